// What every head of an encoder looks at. Data: layers, heads, and sentences, each with its tokens and its weights:
// layers x heads x queries x keys, in 255ths, as packed 1-byte integers.
(() => {
  "use strict";
  const { define, html, svg, choice, unpack, say } = globalThis.llmTouch;

  // The weights of one head, a row for each query.
  function rows(weights, head, n) {
    return Array.from({ length: n }, (_, query) =>
      Array.from(weights.subarray((head * n + query) * n, (head * n + query + 1) * n), (value) => value / 255));
  }

  // Mean shares of attention, over the words that have a word on either side.
  function shares(map) {
    const n = map.length, inner = Array.from({ length: n - 4 }, (_, i) => i + 2);
    const mean = (pick) => inner.reduce((sum, query) => sum + pick(map[query], query), 0) / inner.length;
    return {
      first: mean((row) => row[0]), last: mean((row) => row[n - 1]), before: mean((row, i) => row[i - 1]),
      after: mean((row, i) => row[i + 1]), itself: mean((row, i) => row[i]),
    };
  }

  const STYLE = `
    .heads { display: grid; grid-template-columns: auto repeat(var(--heads), minmax(0, 1fr)); gap: 2px; margin-top: 0.2rem;
      max-width: 34rem; align-items: center; }
    .heads span { font-size: 12px; text-align: center; padding-right: 0.3rem; }
    .heads button { padding: 1px; min-height: 0; aspect-ratio: 1; border-radius: 3px; min-width: 0; }
    .heads button[aria-checked=true] { outline: 3px solid currentColor; outline-offset: -1px; }
    .heads button:focus-visible { outline: 3px solid var(--two); outline-offset: 1px; z-index: 1; }
    canvas { display: block; width: 100%; height: 100%; image-rendering: pixelated; pointer-events: none; }
    .views { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); }
    .map { cursor: pointer; max-width: 30rem; }
    .cell { fill: #4477AA; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; margin: 0.5rem 0; }
    caption { text-align: left; font-weight: 600; padding-bottom: 0.2rem; }
    th { text-align: left; font-weight: 400; white-space: nowrap; width: 1%; }
    th, td { padding: 0.05rem 0.5rem 0.05rem 0; }
    .number { text-align: right; width: 3.5rem; }
    .bar { height: 0.95rem; background: var(--one); min-width: 1px; }
  `;
  const percent = (share) => `${Math.round(100 * share)}%`;

  function setUp({ sentences, layers, heads }, box) {
    const all = sentences.map(({ weights }) => unpack(weights, 1));
    const state = { sentence: 0, head: 2, word: 0 };
    const name = (head) => say(`layer ${Math.floor(head / heads) + 1}, head ${(head % heads) + 1}`,
      `第 ${Math.floor(head / heads) + 1} 层第 ${(head % heads) + 1} 头`);

    const buttons = Array.from({ length: layers * heads }, (_, head) => html("button", {
      type: "button", role: "radio", "aria-label": name(head), title: name(head),
      click: () => choose(head),
      keydown: (event) => {
        const layer = Math.floor(head / heads), column = head % heads;
        const to = {
          ArrowLeft: [layer, column - 1], ArrowRight: [layer, column + 1], ArrowUp: [layer - 1, column],
          ArrowDown: [layer + 1, column], Home: [layer, 0], End: [layer, heads - 1],
        }[event.key];
        if (!to) return;
        event.preventDefault();
        choose(((to[0] + layers) % layers) * heads + ((to[1] + heads) % heads));
        buttons[state.head].focus();
      },
    }, html("canvas", { "aria-hidden": "true" })));
    const label = (text) => html("span", { "aria-hidden": "true" }, text);
    const grid = html("div", { class: "heads", role: "radiogroup", style: `--heads: ${heads}`, "aria-label":
      say("Head; a row is a layer", "注意力头；每行为一层") }, label(""),
      ...Array.from({ length: heads }, (_, i) => label(String(i + 1))),
      ...Array.from({ length: layers }, (_, layer) =>
        [label(String(layer + 1)), ...buttons.slice(layer * heads, (layer + 1) * heads)]).flat());
    const words = html("output"), asking = html("div"), picture = html("div"), listing = html("div");
    box.append(
      html("div", { class: "controls" },
        choice(say("Sentence", "句子"),
          Object.fromEntries(sentences.map(({ tokens }, i) => [i, tokens.slice(1, -1).join(" ").replaceAll(" ##", "")])), "0",
          (key) => { state.sentence = Number(key); start(); }),
        html("div", { class: "wide" }, html("strong", {},
          say("Heads: a row for each layer, a column for each head", "注意力头：每行一层，每列一头")), grid)),
      words, asking, html("div", { class: "views" }, picture, listing));

    function choose(head) {
      state.head = head;
      draw();
    }

    // What changes with the sentence: the small pictures and the words to choose from.
    function start() {
      const { tokens } = sentences[state.sentence], n = tokens.length;
      buttons.forEach((button, head) => {
        const canvas = button.firstChild;
        canvas.width = canvas.height = n;
        const context = canvas.getContext("2d"), image = context.createImageData(n, n);
        rows(all[state.sentence], head, n).flat().forEach((share, i) =>
          image.data.set([0x44, 0x77, 0xaa, Math.round(255 * share)], 4 * i));
        context.putImageData(image, 0, 0);
      });
      state.word = Math.min(2, n - 1);
      asking.replaceChildren(choice(say("Word that asks", "发起查询的词"),
        Object.fromEntries(tokens.map((token, i) => [i, token])), String(state.word),
        (key) => { state.word = Number(key); draw(); }));
      draw();
    }

    function draw() {
      const { tokens } = sentences[state.sentence], n = tokens.length;
      buttons.forEach((button, head) => {
        button.setAttribute("aria-checked", String(head === state.head));
        button.tabIndex = head === state.head ? 0 : -1;
      });
      const map = rows(all[state.sentence], state.head, n), found = shares(map);
      words.textContent = say(
        `${name(state.head).replace(/^l/, "L")}, mean of the inner words: ${percent(found.before)} on the word before, ` +
          `${percent(found.after)} on the word after, ${percent(found.itself)} on the word itself, ` +
          `${percent(found.first)} on ${tokens[0]}, ${percent(found.last)} on ${tokens[n - 1]}.`,
        `${name(state.head)}，句中各词平均：前一个词 ${percent(found.before)}，后一个词 ${percent(found.after)}，` +
          `自身 ${percent(found.itself)}，${tokens[0]} ${percent(found.first)}，${tokens[n - 1]} ${percent(found.last)}。`);

      const edge = 74, cell = 20, size = edge + n * cell + 2;
      const image = svg("svg", { class: "map", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label":
        say(`Attention weights of ${name(state.head)}; rows ask, columns are looked at.`,
          `${name(state.head)}的注意力权重；行为查询，列为被看的词。`) });
      map.forEach((row, query) => {
        const y = edge + query * cell, chosen = query === state.word;
        const asker = svg("text", { x: edge - 6, y: y + 14, "text-anchor": "end", "font-weight": chosen ? 700 : 400 },
          tokens[query]);
        image.append(svg("g", { click: () => asking.querySelectorAll("input")[query].click() },
          svg("rect", { x: 0, y, width: size, height: cell, fill: "transparent" }), asker,
          ...row.map((share, key) => svg("rect", { class: "cell", x: edge + key * cell + 1, y: y + 1, width: cell - 2,
            height: cell - 2, "fill-opacity": Math.max(0.04, share) })),
          ...(chosen ? [svg("rect", { x: edge - 1, y: y - 0.5, width: n * cell + 2, height: cell + 1, fill: "none",
            stroke: "currentColor", "stroke-width": 2 })] : [])));
        image.append(svg("text", { transform: `translate(${y + 14} ${edge - 6}) rotate(-90)` }, tokens[query]));
      });
      picture.replaceChildren(image);
      listing.replaceChildren(html("table", {},
        html("caption", {}, say(`“${tokens[state.word]}” looks at`, `“${tokens[state.word]}” 看向`)),
        html("tbody", {}, ...tokens.map((token, key) => html("tr", {},
          html("th", { scope: "row" }, token),
          html("td", { "aria-hidden": "true" },
            html("div", { class: "bar", style: `width: ${100 * map[state.word][key]}%` })),
          html("td", { class: "number" }, percent(map[state.word][key])))))));
    }
    start();
  }

  define("attention", setUp, STYLE, { rows, shares });
})();
