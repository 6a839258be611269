// One text, cut by several tokenizers. Data: ways (names of the tokenizers) and sentences, each a text and for every
// way its list of tokens; a token that is null stands for text the tokenizer does not know.
(() => {
  "use strict";
  const { define, html, choice, say } = globalThis.llmTouch;

  const STYLE = `
    h4 { margin: 0.9rem 0 0.3rem; font-size: 1em; font-weight: 600; }
    h4 span { font-weight: 400; }
    ol { list-style: none; display: flex; flex-wrap: wrap; gap: 3px; margin: 0; padding: 0; font-family: monospace; }
    li { border: 1px solid var(--line); border-radius: 3px; padding: 0 0.25rem; white-space: pre; min-width: 0.9rem; }
    li:nth-child(2n) { background: var(--faint); }
    .unknown { border: 2px dashed var(--two); }
    .text { font-size: 1.1em; margin: 0.75rem 0 0; }
    .bar { height: 0.5rem; background: var(--one); border-radius: 2px; margin-bottom: 0.4rem; }
  `;

  function setUp({ ways, sentences }, box) {
    const titles = sentences.map(({ text }) => (text.length > 36 ? `${text.slice(0, 34).trim()} …` : text));
    const text = html("p", { class: "text" }), words = html("output"), view = html("div");
    box.append(
      html("div", { class: "controls" },
        choice(say("Text", "文本"), Object.fromEntries(titles.map((title, i) => [i, title])), "0",
          (key) => draw(Number(key)))),
      text, words, view);

    function draw(chosen) {
      const sentence = sentences[chosen], characters = Array.from(sentence.text).length;
      const lists = ways.map((way, i) => ({ way, tokens: sentence.tokens[i] }));
      const most = Math.max(...lists.map(({ tokens }) => tokens.length));
      text.textContent = sentence.text;
      text.lang = sentence.lang;
      words.textContent = `${say("Tokens", "词元数")}: ` +
        lists.map(({ way, tokens }) => `${way} ${tokens.length}`).join(say("; ", "；"));
      view.replaceChildren(...lists.flatMap(({ way, tokens }) => {
        const lost = tokens.filter((token) => token === null).length;
        const facts = [
          `${tokens.length} ${say("tokens", "个词元")}`,
          `${(characters / tokens.length).toFixed(2)} ${say("characters a token", "字符/词元")}`,
          ...(lost ? [`${lost} ${say("unknown", "个未知")}`] : []),
        ];
        return [
          html("h4", {}, `${way} `, html("span", {}, `– ${facts.join(", ")}`)),
          html("div", { class: "bar", style: `width: ${(100 * tokens.length) / most}%`, "aria-hidden": "true" }),
          html("ol", { "aria-label": way }, ...tokens.map((token) =>
            token === null ? html("li", { class: "unknown" }, "[UNK]") : html("li", {}, token.replace(/ /g, "·")))),
        ];
      }));
    }
    draw(0);
  }

  define("tokens", setUp, STYLE);
})();
