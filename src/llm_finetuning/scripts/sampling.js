// One step of a language model: its distribution over the next token, what temperature, top-k and top-p make of it,
// and draws. Data: tokens (the vocabulary as text) and contexts, each a text and `below`: for every token the distance
// of its logit from the largest one, in thousandths, as packed 2-byte integers.
(() => {
  "use strict";
  const { define, html, slider, choice, unpack, say } = globalThis.llmTouch;
  const ROWS = 12;

  // Probabilities after temperature, top-k (0: off) and top-p (1: off), in this order, as in transformers.
  function probabilities(logits, temperature, k, p) {
    const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
    const weights = new Float64Array(logits.length);
    const kept = k ? order.slice(0, k) : order;
    const best = logits[order[0]];
    let sum = 0;
    for (const token of kept) sum += weights[token] = Math.exp((logits[token] - best) / temperature);
    let before = 0, left = 0;
    for (const token of kept) {
      const share = weights[token] / sum;
      if (before >= p) weights[token] = 0;  // everything likelier has reached p already
      else left += weights[token];
      before += share;
    }
    return weights.map((weight) => weight / left);
  }

  const entropy = (shares) => -shares.reduce((sum, share) => (share ? sum + share * Math.log2(share) : sum), 0);

  // Small and repeatable: everybody's first draw is the same.
  function randomFrom(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  function drawn(shares, random) {
    let left = random();
    let last = 0;
    for (let token = 0; token < shares.length; token++) {
      if (!shares[token]) continue;
      last = token;
      if ((left -= shares[token]) < 0) break;
    }
    return last;
  }

  const STYLE = `
    table { border-collapse: collapse; width: 100%; margin-top: 0.75rem; font-variant-numeric: tabular-nums; }
    caption { text-align: left; padding-bottom: 0.3rem; }
    th { text-align: left; font-weight: 600; }
    th, td { padding: 0.1rem 0 0.1rem 0.5rem; }
    th:first-child { padding-left: 0; }
    tbody th { font-family: monospace; font-weight: 400; white-space: nowrap; }
    .number { text-align: right; white-space: nowrap; width: 1%; }
    .bars { width: 55%; min-width: 2.5rem; }
    .bar { position: relative; height: 1.05rem; }
    .bar span { position: absolute; left: 0; top: 0; height: 100%; }
    .now { background: var(--one); }
    .was { border: 1.5px solid currentColor; border-left: 0; }
    .cut { text-decoration: line-through; }
    .drawn { overflow-wrap: anywhere; font-family: monospace; }
  `;
  const visible = (token) => token.replace(/ /g, "·").replace(/\n/g, "↵") || "∅";
  const percent = (share) => {
    const shown = 100 * share;
    return shown === 0 ? "0" : shown < 0.1 ? "< 0.1%" : `${shown.toFixed(1)}%`;
  };
  const KS = [1, 2, 3, 5, 10, 20, 40, 100, 200, 500, 1000, 0];

  function setUp({ tokens, contexts }, box) {
    const logits = contexts.map(({ below }) => Float64Array.from(unpack(below, 2), (far) => -far / 1000));
    const state = { context: 0, temperature: 1, k: 0, p: 1 };
    let counts = new Map(), last = [], random = randomFrom(1);
    const body = html("tbody"), words = html("output"), text = html("p", { class: "drawn" });
    const table = html("table", {},
      html("caption", {}, say(
        "The model's likeliest tokens. Outline: the model's own probability; filled: after the settings. " +
          "A dot is a blank, ↵ a line end.",
        "模型认为最可能的词元。边框：模型自己的概率；填充：应用设置之后。· 代表空格，↵ 代表换行。")),
      html("thead", {}, html("tr", {},
        html("th", { scope: "col" }, say("next token", "下一个词元")),
        html("td", { class: "bars" }),
        html("th", { scope: "col", class: "number" }, say("model", "模型")),
        html("th", { scope: "col", class: "number" }, say("now", "现在")),
        html("th", { scope: "col", class: "number" }, say("drawn", "抽到")))),
      body);
    const clear = () => { counts = new Map(); last = []; };
    const set = (name) => (value) => { state[name] = value; clear(); draw(); };
    const take = (times) => () => {
      const shares = probabilities(logits[state.context], state.temperature, state.k, state.p);
      for (let i = 0; i < times; i++) {
        const token = drawn(shares, random);
        counts.set(token, (counts.get(token) ?? 0) + 1);
        last.push(token);
      }
      draw();
    };
    const button = (label, click) => html("button", { type: "button", click }, label);
    box.append(
      html("div", { class: "controls" },
        choice(say("Text so far", "已有文本"),
          Object.fromEntries(contexts.map((context, i) => [i, `${context.text} …`])), "0",
          (key) => set("context")(Number(key))),
        slider(say("Temperature", "温度"), { min: 0.1, max: 2, step: 0.1, value: 1, words: (v) => v.toFixed(1) },
          set("temperature")),
        slider("Top-k", { min: 0, max: KS.length - 1, step: 1, value: KS.length - 1,
          words: (i) => (KS[i] ? KS[i].toLocaleString("en") : say("off", "关闭")) }, (i) => set("k")(KS[i])),
        slider("Top-p", { min: 0.05, max: 1, step: 0.05, value: 1,
          words: (v) => (v < 1 ? v.toFixed(2) : say("off", "关闭")) }, set("p")),
        html("div", { class: "buttons" },
          button(say("Draw one", "抽一个"), take(1)), button(say("Draw 100", "抽 100 个"), take(100)),
          button(say("Clear", "清空"), () => (clear(), draw())))),
      words, table, text);

    function row(name, was, now, count, largest) {
      const bar = (kind, share) => html("span", { class: kind, style: `width: ${(100 * share) / largest}%` });
      return html("tr", {},
        html("th", { scope: "row", class: now ? "" : "cut" }, name),
        html("td", { class: "bars", "aria-hidden": "true" },
          html("div", { class: "bar" }, ...(largest ? [bar("now", now), bar("was", was)] : []))),
        html("td", { class: "number" }, percent(was)), html("td", { class: "number" }, percent(now)),
        html("td", { class: "number" }, count ? String(count) : ""));
    }

    function draw() {
      const own = probabilities(logits[state.context], 1, 0, 1);
      const now = probabilities(logits[state.context], state.temperature, state.k, state.p);
      const top = Array.from(own.keys()).sort((a, b) => own[b] - own[a]).slice(0, ROWS);
      const rest = (shares) => Math.max(0, 1 - top.reduce((sum, token) => sum + shares[token], 0));
      const total = last.length, inTop = top.reduce((sum, token) => sum + (counts.get(token) ?? 0), 0);
      const largest = Math.max(...top.flatMap((token) => [own[token], now[token]]));
      const others = now.filter((share) => share > 0).length - top.filter((token) => now[token] > 0).length;
      body.replaceChildren(
        ...top.map((token) => row(visible(tokens[token]), own[token], now[token], counts.get(token), largest)),
        row(say(`${(tokens.length - ROWS).toLocaleString("en")} others`, `其余 ${tokens.length - ROWS} 个`),
          rest(own), others ? rest(now) : 0, total - inTop, 0));  // no bar: it would dwarf the others
      const kept = now.filter((share) => share > 0).length;
      words.textContent = say(
        `${kept.toLocaleString("en")} of ${tokens.length.toLocaleString("en")} tokens can be drawn. ` +
          `Entropy ${entropy(now).toFixed(1)} bits; the model's own ${entropy(own).toFixed(1)}.`,
        `${tokens.length} 个词元中有 ${kept} 个可能被抽到。熵 ${entropy(now).toFixed(1)} 比特；` +
          `模型自身为 ${entropy(own).toFixed(1)} 比特。`);
      const shown = last.slice(-20).map((token) => `“${visible(tokens[token])}”`);
      text.textContent = total ? `${say("Last drawn", "最近抽到")}: ${total > 20 ? "… " : ""}${shown.join(" ")}` : "";
    }
    draw();
  }

  define("sampling", setUp, STYLE, { probabilities, drawn, randomFrom });
})();
