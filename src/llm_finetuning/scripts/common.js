// What all figures to touch have in common: where they go, how they look, what they are made of.
// Colours are mixed from the colour of the surrounding text, so they follow every theme without asking for it.
(() => {
  "use strict";
  const touch = (globalThis.llmTouch ??= {});
  const chinese = document.documentElement.lang.startsWith("zh");

  touch.say = (english, translation) => (chinese ? translation : english);

  const STYLE = `
    :host { display: block; margin: 1rem 0; color: inherit; }
    @media print { :host { display: none; } }
    * { box-sizing: border-box; }
    .box {
      --line: color-mix(in srgb, currentColor 45%, transparent);
      --faint: color-mix(in srgb, currentColor 14%, transparent);
      --one: color-mix(in srgb, #4477AA 78%, currentColor);
      --two: color-mix(in srgb, #CC5566 78%, currentColor);
      border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem;
      font: inherit; font-size: 0.95em; line-height: 1.4;
    }
    .controls { display: grid; gap: 0.6rem 1.5rem; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
    .wide { grid-column: 1 / -1; }
    fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
    legend { padding: 0; font-weight: 600; }
    .choices { display: flex; flex-wrap: wrap; gap: 0.3rem; margin-top: 0.2rem; }
    .choices label {
      display: inline-flex; align-items: center; gap: 0.35rem; min-height: 1.9rem; padding: 0.1rem 0.6rem;
      border: 1px solid var(--line); border-radius: 1rem; cursor: pointer;
    }
    .choices label:has(:checked) { background: var(--faint); border-color: currentColor; }
    .slider { display: grid; grid-template-columns: 1fr auto; column-gap: 0.75rem; }
    .slider label { font-weight: 600; }
    .slider input { grid-column: 1 / -1; width: 100%; min-height: 1.6rem; margin: 0; cursor: pointer; }
    input { accent-color: #4477AA; margin: 0; }
    button {
      font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 4px;
      min-height: 2rem; padding: 0.1rem 0.75rem; cursor: pointer;
    }
    button:hover { background: var(--faint); }
    button:disabled { cursor: default; border-style: dashed; }
    .buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; }
    :focus-visible { outline: 3px solid var(--one); outline-offset: 2px; }
    .choices label:has(:focus-visible) { outline: 3px solid var(--one); outline-offset: 2px; }
    .choices input:focus-visible { outline: none; }
    svg { display: block; width: 100%; margin: 0.5rem 0; }
    svg text { fill: currentColor; font-size: 13px; font-family: inherit; }
    .axis { stroke: var(--line); fill: none; }
    output { display: block; margin-top: 0.5rem; min-height: 1.4em; }
    @media (forced-colors: active) { .choices label:has(:checked) { border-width: 3px; } }
  `;
  // The picture stays for print and for pages without scripts. The theme's pale card for outputs on dark pages is not
  // needed here.
  const PAGE_STYLE = `
    @media screen {
      :is(.cell_output, .jp-OutputArea, #output-area, .output-area):has([data-touch-ready]) img {
        display: none !important;
      }
    }
    .text_html:has(> [data-touch-ready]) {
      background: none !important; color: inherit !important; padding: 0 !important;
    }`;

  function build(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }
  touch.html = (name, attributes = {}, ...children) => build(document.createElement(name), attributes, children);
  touch.svg = (name, attributes = {}, ...children) =>
    build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  // A slider with its label and its value in words. `change` gets the number; the result's `value` is the number.
  touch.slider = (label, { min, max, step, value, words = String }, change) => {
    const id = `slider-${label.replace(/\W+/g, "-")}-${Math.random().toString(36).slice(2)}`;
    const shown = touch.html("span", { "aria-hidden": "true" });
    const input = touch.html("input", { id, type: "range", min, max, step, value });
    const tell = () => {
      shown.textContent = words(Number(input.value));
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.addEventListener("input", () => (tell(), change(Number(input.value))));
    tell();
    return touch.html("div", { class: "slider" }, touch.html("label", { for: id }, label), shown, input);
  };

  // One of several: radio buttons, which the arrow keys walk through.
  touch.choice = (legend, options, chosen, change) => {
    const name = `choice-${Math.random().toString(36).slice(2)}`;
    const labels = Object.entries(options).map(([key, text]) =>
      touch.html("label", {},
        touch.html("input", { type: "radio", name, value: key, checked: key === chosen, change: () => change(key) }),
        text));
    return touch.html("fieldset", { class: "wide" },
      touch.html("legend", {}, legend), touch.html("div", { class: "choices" }, ...labels));
  };

  // Integers from base64, little-endian, of 1 or 2 bytes each.
  touch.unpack = (text, bytes) => {
    const raw = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    if (bytes === 1) return raw;
    return Uint16Array.from({ length: raw.length / 2 }, (_, i) => raw[2 * i] + 256 * raw[2 * i + 1]);
  };

  // Put an element of a kind wherever the page has data for one. `setUp` gets the data and the box to fill; if it
  // returns a function, that draws for a width in pixels. `parts` is what the tests ask of the kind.
  touch.define = (kind, setUp, style = "", parts = {}) => {
    touch[kind] = parts;
    if (!document.getElementById("touch-style")) {
      document.head.append(touch.html("style", { id: "touch-style" }, PAGE_STYLE));
    }
    for (const host of document.querySelectorAll(`[data-touch="${kind}"]:not([data-touch-ready])`)) {
      const data = JSON.parse(host.querySelector("script").textContent);
      const box = touch.html("div", { class: "box" });
      host.attachShadow({ mode: "open" }).append(touch.html("style", {}, STYLE + style), box);
      const draw = setUp(data, box);
      if (draw) {
        new ResizeObserver(([{ contentRect }]) => contentRect.width && draw(contentRect.width)).observe(box);
      }
      host.setAttribute("data-touch-ready", "");
    }
  };
})();
