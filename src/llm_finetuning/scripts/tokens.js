// One text, cut by several tokenizers. Data: ways (names of the tokenizers); sentences, each a text, its language and
// for every way its list of tokens, where null stands for text that the tokenizer does not know; merges, the pairs that
// the byte-level BPE joins, in order; and live, the ways that a text of one's own can be cut by: characters and BPE.
(() => {
  "use strict";
  const { define, html, choice, say } = globalThis.llmTouch;

  // Bytes as byte-level tokenizers write them: what is printable stands for itself, the rest follows from 256 on.
  const LETTERS = (() => {
    const letters = [];
    let next = 256;
    for (let byte = 0; byte < 256; byte++) {
      const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
      letters.push(String.fromCodePoint(printable ? byte : next++));
    }
    return letters;
  })();
  const WORDS = /'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

  // The tokens of a text: in every word, the pair that was learned first is joined, again and again.
  function bpe(text, ranks) {
    const tokens = [];
    const spaced = text && !text.startsWith(" ") ? ` ${text}` : text;  // a word carries the blank before it
    for (const [word] of spaced.matchAll(WORDS)) {
      const parts = Array.from(new TextEncoder().encode(word), (byte) => LETTERS[byte]);
      for (;;) {
        let best = Infinity, at = -1;
        for (let i = 0; i + 1 < parts.length; i++) {
          const rank = ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
          if (rank < best) [best, at] = [rank, i];
        }
        if (at < 0) break;
        const pair = [parts[at], parts[at + 1]];
        for (let i = 0; i + 1 < parts.length; i++) {
          if (parts[i] === pair[0] && parts[i + 1] === pair[1]) parts.splice(i, 2, pair.join(""));
        }
      }
      tokens.push(...parts);
    }
    return tokens;
  }
  const ranksOf = (merges) => new Map(merges.map((pair, rank) => [pair, rank]));

  const STYLE = `
    .way { margin: 0.9rem 0 0.3rem; }
    ol { list-style: none; display: flex; flex-wrap: wrap; gap: 3px; margin: 0; padding: 0; font-family: monospace; }
    li { border: 1px solid var(--line); border-radius: 3px; padding: 0 0.25rem; white-space: pre; min-width: 0.9rem; }
    li:nth-child(2n) { background: var(--faint); }
    .unknown { border: 2px dashed var(--two); }
    .text { font-size: 1.1em; margin: 0.75rem 0 0; overflow-wrap: anywhere; }
    .bar { height: 0.5rem; background: var(--one); border-radius: 2px; margin-bottom: 0.4rem; }
    .own { display: block; font-weight: 600; }
    .own input { display: block; width: 100%; min-height: 2rem; margin-top: 0.2rem; padding: 0.1rem 0.5rem; font: inherit;
      font-weight: 400; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 4px; }
  `;

  function setUp({ ways, sentences, merges, live }, box) {
    const ranks = ranksOf(merges);
    const titles = sentences.map(({ text }) => (text.length > 36 ? `${text.slice(0, 34).trim()} …` : text));
    const text = html("p", { class: "text" }), words = html("output"), view = html("div");
    const show = (key) => draw(sentences[Number(key)]);
    const picked = choice(say("Text", "文本"), Object.fromEntries(titles.map((title, i) => [i, title])), "0", show);
    const own = html("input", { type: "text", maxlength: 300, autocomplete: "off", input: () => {
      const typed = own.value.trim();
      for (const radio of picked.querySelectorAll("input")) radio.checked = !typed && radio.value === "0";
      if (!typed) return show(0);
      const tokens = [Array.from(typed), bpe(typed, ranks)];
      draw({ text: typed, lang: "", tokens: ways.map((way) => tokens[live.indexOf(way)]) });
    } });
    box.append(
      html("div", { class: "controls" }, picked, html("label", { class: "own wide" },
        say(`A text of your own (${live.join(" and ")} only)`, `你自己的文本（仅限 ${live.join("、")}）`), own)),
      text, words, view);

    function draw(sentence) {
      const characters = Array.from(sentence.text).length;
      const lists = ways.map((way, i) => ({ way, tokens: sentence.tokens[i] })).filter(({ tokens }) => tokens);
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
          html("p", { class: "way" }, html("strong", {}, way), `: ${facts.join(", ")}`),
          html("div", { class: "bar", style: `width: ${(100 * tokens.length) / most}%`, "aria-hidden": "true" }),
          html("ol", { "aria-label": way }, ...tokens.map((token) =>
            token === null ? html("li", { class: "unknown" }, "[UNK]") : html("li", {}, token.replace(/[ Ġ]/g, "·")))),
        ];
      }));
    }
    show(0);
  }

  define("tokens", setUp, STYLE, { bpe, ranksOf });
})();
