// A threshold on a classifier's probabilities for one class against the rest: what is found, what it costs.
// Data: classes, each with its name and, for validation and test, packed probabilities (u2, of 65535) and truths (u1).
(() => {
  "use strict";
  const { define, html, svg, slider, choice, say, unpack } = globalThis.llmTouch;

  // Thresholds are equally far apart in log-odds: rare classes are decided among small probabilities.
  const ENDS = 6, STEP = 0.05;
  const GRID = Array.from({ length: 2 * ENDS / STEP + 1 }, (_, i) => Number((i * STEP - ENDS).toFixed(2)));
  const probability = (odds) => 1 / (1 + Math.exp(-odds));
  const ruled = (cost) => -Math.log(cost);  // the log-odds of 1 / (1 + cost)

  // What a threshold does: found, missed, false alarms, rightly left.
  function counts(scores, truths, threshold) {
    const result = { found: 0, missed: 0, alarms: 0, left: 0 };
    scores.forEach((score, i) => {
      result[truths[i] ? (score >= threshold ? "found" : "missed") : score >= threshold ? "alarms" : "left"] += 1;
    });
    return result;
  }
  const recall = ({ found, missed }) => found / (found + missed);
  const precision = ({ found, alarms }) => (found + alarms ? found / (found + alarms) : null);
  const price = ({ missed, alarms }, cost) => cost * missed + alarms;
  // The middle of the cheapest thresholds: among equals, far from both sides.
  function cheapest(scores, truths, cost) {
    const prices = GRID.map((odds) => price(counts(scores, truths, probability(odds)), cost));
    const first = prices.indexOf(Math.min(...prices));
    let last = first;
    while (prices[last + 1] === prices[first]) last += 1;
    return GRID[Math.floor((first + last) / 2)];
  }

  const three = (number) => number.toFixed(3);
  const share = (number) => (number === null ? say("undefined", "无定义") : three(number));
  const PARTS = { validation: say("validation", "验证集"), test: say("test", "测试集") };

  function setUp({ classes }, box) {
    const state = { name: classes[0].name, part: "test", odds: 0, cost: 5 };
    let width = 640;
    const read = (one, part) => ({
      scores: Float64Array.from(unpack(one[part].scores, 2), (value) => value / 65535),
      truths: unpack(one[part].truths, 1),
    });
    const data = Object.fromEntries(classes.map((one) => [one.name,
      { validation: read(one, "validation"), test: read(one, "test") }]));
    const names = Object.fromEntries(classes.map(({ name }) => {
      const { truths } = data[name].test;
      return [name, say(`${name}, ${truths.reduce((a, b) => a + b)} of ${truths.length}`,
        `${name}，${truths.length} 个中有 ${truths.reduce((a, b) => a + b)} 个`)];
    }));
    const picture = html("div"), words = html("output");
    const set = (name) => (value) => { state[name] = value; draw(width); };
    const line = slider(say("Threshold", "阈值"),
      { min: -ENDS, max: ENDS, step: STEP, value: 0, words: (v) => three(probability(v)) }, set("odds"));
    const move = (odds) => {
      const input = line.querySelector("input");
      input.value = odds;
      input.dispatchEvent(new Event("input"));
    };
    box.append(
      html("div", { class: "controls" },
        choice(say("Looked for, in the test set", "要找的类别（测试集中）"), names, state.name, set("name")),
        choice(say("Counted on", "统计所用的数据"), PARTS, state.part, set("part")),
        line,
        slider(say("False alarms that one miss is worth", "一次漏报抵多少次误报"),
          { min: 1, max: 50, step: 1, value: state.cost }, set("cost")),
        html("div", { class: "buttons wide" },
          html("button", { type: "button", click: () => move(ruled(state.cost)) },
            say("Where the rule says", "按规则取值")),
          html("button", { type: "button", click: () => {
            const { scores, truths } = data[state.name].validation;
            move(cheapest(scores, truths, state.cost));
          } }, say("Cheapest on validation", "取验证集上代价最低处")))),
      picture, words);

    function draw(available) {
      width = available;
      const { scores, truths } = data[state.name][state.part];
      const at = counts(scores, truths, probability(state.odds)), all = truths.length;
      const there = at.found + at.missed, cost = price(at, state.cost);
      const curve = GRID.map((odds) => counts(scores, truths, probability(odds)));
      const prices = curve.map((one) => price(one, state.cost)), highest = Math.max(...prices);
      words.textContent = say(
        `From ${three(probability(state.odds))} on: ${at.found} of ${there} found (recall ${share(recall(at))}), ` +
          `${at.alarms} false alarms (precision ${share(precision(at))}). ` +
          `Accuracy ${three((at.found + at.left) / all)}, without a single alarm ${three((all - there) / all)}. ` +
          `Cost ${state.cost} × ${at.missed} + ${at.alarms} = ${cost}; the lowest possible here: ${Math.min(...prices)}.`,
        `概率不低于 ${three(probability(state.odds))} 即判为该类：${there} 个中找到 ${at.found} 个（召回率 ` +
          `${share(recall(at))}），误报 ${at.alarms} 个（精确率 ${share(precision(at))}）。` +
          `准确率 ${three((at.found + at.left) / all)}，一个也不报时为 ${three((all - there) / all)}。` +
          `代价 ${state.cost} × ${at.missed} + ${at.alarms} = ${cost}；此处可能的最低代价：${Math.min(...prices)}。`);

      const left = 58, right = 14, bars = [112, 140], height = 320;
      const x = (odds) => left + (width - left - right) * (Math.max(-ENDS, Math.min(ENDS, odds)) + ENDS) / (2 * ENDS);
      const up = (part) => 96 - 76 * part, down = (value) => 280 - 92 * value / (highest || 1);
      const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label":
        say(`Precision, recall and cost of ${state.name} against the threshold. `,
          `${state.name} 的精确率、召回率与代价随阈值的变化。`) + words.textContent });
      const text = (px, py, words, anchor = "start") => svg("text", { x: px, y: py, "text-anchor": anchor }, words);
      const drawn = (values, y, look) => svg("polyline", { fill: "none", "stroke-width": 2.5, ...look,
        points: GRID.flatMap((odds, i) => (values[i] === null ? [] : `${x(odds).toFixed(1)},${y(values[i]).toFixed(1)}`))
          .join(" ") });
      for (const part of [0, 0.5, 1]) {
        image.append(
          svg("line", { x1: left, x2: width - right, y1: up(part), y2: up(part), stroke: "var(--faint)" }),
          text(left - 6, up(part) + 4, String(part), "end"),
          svg("line", { x1: left, x2: width - right, y1: down(part * highest), y2: down(part * highest), stroke: "var(--faint)" }),
          text(left - 6, down(part * highest) + 4, (part * highest).toLocaleString("en"), "end"));
      }
      // Each question is a stroke: above, those that are looked for; below, the others.
      scores.forEach((score, i) => {
        const px = x(Math.log(score / (1 - score))).toFixed(1), y1 = truths[i] ? bars[0] : bars[1];
        image.append(svg("line", { x1: px, x2: px, y1, y2: y1 + 20, stroke: truths[i] ? "var(--one)" : "var(--two)",
          "stroke-opacity": truths[i] ? 0.9 : 0.45 }));
      });
      for (const mark of [0.01, 0.1, 0.5, 0.9, 0.99]) {
        image.append(text(x(Math.log(mark / (1 - mark))), 297, String(mark), "middle"));
      }
      image.append(
        text(4, 12, say("recall (solid), precision (dashed)", "召回率（实线）、精确率（虚线）")),
        text(left - 6, bars[0] + 15, say("wanted", "目标"), "end"),
        text(left - 6, bars[1] + 15, say("others", "其余"), "end"),
        text(4, 180, say("cost", "代价")),
        text(width - right, 314, say("threshold, in equal steps of log-odds", "阈值（按对数几率等距）"), "end"),
        drawn(curve.map(recall), up, { stroke: "var(--one)" }),
        drawn(curve.map(precision), up, { stroke: "var(--two)", "stroke-dasharray": "6 4" }),
        drawn(prices, down, { stroke: "currentColor" }),
        svg("line", { class: "axis", x1: left, x2: width - right, y1: down(0), y2: down(0) }),
        svg("line", { x1: x(ruled(state.cost)), x2: x(ruled(state.cost)), y1: 172, y2: 280, stroke: "currentColor",
          "stroke-dasharray": "2 4" }),
        text(x(ruled(state.cost)) + 4, 184, say("rule", "规则")),
        svg("line", { x1: x(state.odds), x2: x(state.odds), y1: 20, y2: 280, stroke: "currentColor", "stroke-width": 2 }),
        svg("circle", { cx: x(state.odds), cy: down(cost), r: 6, fill: "var(--one)", stroke: "currentColor" }));
      picture.replaceChildren(image);
    }
    draw(width);
    return draw;
  }

  define("threshold", setUp, "", { counts, cheapest, probability });
})();
