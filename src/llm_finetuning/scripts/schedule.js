// Learning-rate schedules as transformers' get_scheduler makes them, over the steps of one run.
// Data: steps (of the run), peak (where the slider stands first) and largest (where it ends).
(() => {
  "use strict";
  const { define, html, svg, slider, choice, say } = globalThis.llmTouch;

  // The share of the peak rate at a step; `warmup` and `decay` are numbers of steps.
  function share(kind, step, steps, warmup, decay) {
    if (step < warmup) return step / warmup;
    const done = (step - warmup) / Math.max(1, steps - warmup);
    const wave = (part) => Math.max(0, (1 + Math.cos(Math.PI * part)) / 2);
    if (kind === "linear") return Math.max(0, 1 - done);
    if (kind === "cosine") return wave(done);
    if (kind === "inverse_sqrt") {
      const scale = warmup || 10000;  // the library's, when there is no warm-up to take it from
      return 1 / Math.sqrt((step + scale - warmup) / scale);
    }
    if (kind === "wsd" && step >= steps - decay) return step < steps ? wave((step - steps + decay) / Math.max(1, decay)) : 0;
    return 1;
  }

  const KINDS = {
    constant: say("constant", "恒定"),
    linear: say("linear", "线性衰减"),
    cosine: say("cosine", "余弦衰减"),
    inverse_sqrt: say("inverse square root", "平方根倒数"),
    wsd: say("warm-up, stable, decay (WSD)", "预热–稳定–衰减（WSD）"),
  };
  const rate = (number) => number.toExponential(2);
  const percent = (part) => `${Math.round(100 * part)}%`;

  function setUp({ steps, peak, largest }, box) {
    const state = { kind: "cosine", warmup: 0.1, decay: 0.2, peak, step: Math.round(steps / 2) };
    let kept = null, width = 640;
    const picture = html("div"), words = html("output"), keptWords = html("p", { style: "margin: 0.3rem 0 0" });

    const curve = ({ kind, warmup, decay, peak: top }) => Array.from({ length: steps }, (_, step) =>
      top * share(kind, step, steps, Math.round(warmup * steps), Math.round(decay * steps)));
    const mean = (rates) => rates.reduce((sum, value) => sum + value, 0) / rates.length;
    const set = (name) => (value) => { state[name] = value; draw(width); };

    const decaySlider = slider(say("Decay, share of all steps", "衰减步数占比"),
      { min: 0, max: 50, step: 1, value: 100 * state.decay, words: (v) => `${v}%` }, (v) => set("decay")(v / 100));
    const keep = html("button", { type: "button", click: () => { kept = { ...state }; draw(width); } },
      say("Keep this curve to compare", "保留此曲线以便比较"));
    const forget = html("button", { type: "button", click: () => { kept = null; keep.focus(); draw(width); } },
      say("Drop it", "移除"));
    box.append(
      html("div", { class: "controls" },
        choice(say("Schedule", "调度方式"), KINDS, state.kind, set("kind")),
        slider(say("Peak rate", "峰值学习率"),
          { min: largest / 40, max: largest, step: largest / 40, value: peak, words: rate }, set("peak")),
        slider(say("Warm-up, share of all steps", "预热步数占比"),
          { min: 0, max: 50, step: 1, value: 100 * state.warmup, words: (v) => `${v}%` },
          (v) => set("warmup")(v / 100)),
        decaySlider,
        slider(say("Step to read off", "读取的步"),
          { min: 0, max: steps - 1, step: 1, value: state.step, words: (v) => v.toLocaleString("en") }, set("step")),
        html("div", { class: "buttons" }, keep, forget)),
      picture, words, keptWords);

    function draw(available) {
      width = available;
      decaySlider.hidden = state.kind !== "wsd";
      decaySlider.style.display = decaySlider.hidden ? "none" : "";
      forget.disabled = !kept;
      const rates = curve(state), now = rates[state.step], average = mean(rates);
      words.textContent = say(
        `Step ${state.step.toLocaleString("en")} of ${steps.toLocaleString("en")}: rate ${rate(now)}, ` +
          `${percent(now / state.peak)} of the peak. Mean of all steps: ${rate(average)}, ` +
          `${percent(average / state.peak)} of the peak. Last step: ${rate(rates.at(-1))}.`,
        `第 ${state.step} 步（共 ${steps} 步）：学习率 ${rate(now)}，为峰值的 ${percent(now / state.peak)}。` +
          `全程平均 ${rate(average)}，为峰值的 ${percent(average / state.peak)}。最后一步：${rate(rates.at(-1))}。`);
      const keptRates = kept && curve(kept);
      keptWords.textContent = kept ? say(
        `Kept (dashed): ${KINDS[kept.kind]}, peak ${rate(kept.peak)}, mean ${rate(mean(keptRates))}. ` +
          `The curve's mean is ${(average / mean(keptRates)).toFixed(2)} times that.`,
        `已保留（虚线）：${KINDS[kept.kind]}，峰值 ${rate(kept.peak)}，平均 ${rate(mean(keptRates))}。` +
          `当前曲线的平均值是它的 ${(average / mean(keptRates)).toFixed(2)} 倍。`) : "";

      const height = 250, left = 62, right = 12, top = 22, bottom = 40;
      const x = (step) => left + (width - left - right) * step / (steps - 1);
      const y = (value) => top + (height - top - bottom) * (1 - value / (1.04 * largest));
      const line = (values) => values.map((value, step) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label":
        `${KINDS[state.kind]}: ${words.textContent}` });
      for (const part of [0, 0.25, 0.5, 0.75, 1]) {
        const value = part * largest, step = Math.round(part * (steps - 1));
        image.append(
          svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), stroke: "var(--faint)" }),
          svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, part ? value.toExponential(1) : "0"),
          svg("text", { x: x(step), y: height - bottom + 17, "text-anchor": part === 1 ? "end" : part ? "middle" : "start" },
            (part === 1 ? steps : Math.round(part * steps)).toLocaleString("en")));
      }
      image.append(
        svg("text", { x: 4, y: 12 }, say("learning rate", "学习率")),
        svg("text", { x: width - right, y: height - 6, "text-anchor": "end" }, say("step", "步")),
        svg("line", { class: "axis", x1: left, x2: width - right, y1: y(0), y2: y(0) }),
        svg("line", { class: "axis", x1: x(state.step), x2: x(state.step), y1: top, y2: y(0) }),
        svg("line", { x1: left, x2: width - right, y1: y(average), y2: y(average), stroke: "var(--two)",
          "stroke-dasharray": "2 4", "stroke-width": 2 }),
        svg("text", { x: width - right, y: y(average) + (average > 0.7 * state.peak ? 15 : -5), "text-anchor": "end" }, say("mean", "平均")));
      if (kept) image.append(svg("polyline", { points: line(keptRates), fill: "none", stroke: "currentColor",
        "stroke-width": 2, "stroke-dasharray": "8 5" }));
      image.append(
        svg("polyline", { points: line(rates), fill: "none", stroke: "var(--one)", "stroke-width": 3 }),
        svg("circle", { cx: x(state.step), cy: y(now), r: 6, fill: "var(--one)", stroke: "currentColor" }));
      picture.replaceChildren(image);
    }
    draw(width);
    return draw;
  }

  define("schedule", setUp, "", { share });
})();
