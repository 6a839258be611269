// A model in the page: it says what kind of answer a question asks for, inside the reader's browser. The build puts the
// form on the page, and the model, its words and its runtime on the site; nothing is fetched before the reader asks.
// (.mjs: jupyter-book loads every .js on every page.)

const SPECIAL = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/;
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const MOST_LETTERS = 100; // a longer word is unknown
const MOST_TOKENS = 128;

// BERT's normaliser and pre-tokenizer: no control characters, accents or capitals; signs and ideographs stand alone.
function wordsOf(text) {
  const plain = text
    .replace(/(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/gu, "")
    .replace(IDEOGRAPH, " $& ")
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "");
  const lower = Array.from(plain, (letter) => letter.toLowerCase()).join(""); // one by one: no final sigma
  return lower.replace(/[!-/:-@[-`{-~]|\p{P}/gu, " $& ").split(/\s+/u).filter(Boolean);
}

// WordPiece: the longest known beginning, then the longest known continuation, and so on; or the whole is unknown.
function piecesOf(word, vocabulary) {
  const letters = Array.from(word);
  const pieces = [];
  for (let start = 0, end; start < letters.length; start = end) {
    const piece = (stop) => (start ? "##" : "") + letters.slice(start, stop).join("");
    for (end = letters.length; end > start && !vocabulary.has(piece(end)); end--);
    if (end === start || letters.length > MOST_LETTERS) return ["[UNK]"];
    pieces.push(piece(end));
  }
  return pieces;
}

// The numbers of a text's tokens; `vocabulary` is a Map from token to number.
export function tokenize(text, vocabulary) {
  const tokens = text
    .split(SPECIAL)
    .flatMap((part, i) => (i % 2 ? [part] : wordsOf(part).flatMap((word) => piecesOf(word, vocabulary))));
  return ["[CLS]", ...tokens.slice(0, MOST_TOKENS - 2), "[SEP]"].map((token) => vocabulary.get(token));
}

export const vocabularyOf = (tokens) => new Map(tokens.map((token, number) => [token, number]));

// A file of the site that is stored compressed; `arrived` hears of every piece.
export async function unpacked(address, arrived = () => {}) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname}: ${answer.status}`);
  const transform = (piece, stream) => (arrived(piece.length), stream.enqueue(piece));
  return new Response(
    answer.body.pipeThrough(new TransformStream({ transform })).pipeThrough(new DecompressionStream("gzip")),
  );
}

// Fetch everything and return a function from a question to [label, probability] pairs, the most probable first.
export async function load(folder, arrived) {
  const file = (name) => unpacked(new URL(name, folder), arrived);
  const [runtime, wasm, model, { tokens, labels }] = await Promise.all([
    import(new URL("runtime.mjs", folder)),
    file("runtime.wasm.gz").then((answer) => answer.arrayBuffer()),
    file("model.onnx.gz").then((answer) => answer.arrayBuffer()),
    file("words.json.gz").then((answer) => answer.json()),
  ]);
  Object.assign(runtime.env.wasm, { wasmBinary: wasm, numThreads: 1 });
  const session = await runtime.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const vocabulary = vocabularyOf(tokens);
  return async (question) => {
    const numbers = BigInt64Array.from(tokenize(question, vocabulary), BigInt);
    const input_ids = new runtime.Tensor("int64", numbers, [1, numbers.length]);
    const { logits } = await session.run({ input_ids });
    const weights = Array.from(logits.data, Math.exp);
    const sum = weights.reduce((one, other) => one + other);
    return labels.map((label, i) => [label, weights[i] / sum]).sort((one, other) => other[1] - one[1]);
  };
}

function start(form) {
  const { question, button, progress, status, ranking } = Object.fromEntries(
    Array.from(form.querySelectorAll("[data-part]"), (element) => [element.dataset.part, element]),
  );
  const { folder } = form.dataset;
  const kindOf = JSON.parse(form.dataset.kinds);
  const words = JSON.parse(form.dataset.words);
  const filled = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const told = ([label, share]) => `${kindOf[label]} (${label}), ${(100 * share).toFixed(1)} %`;
  let answer = null;
  let busy = false;

  async function ask() {
    if (!answer) {
      status.textContent = `${words.loading} …`;
      progress.hidden = false;
      progress.value = 0;
      answer = await load(new URL(folder, document.baseURI), (bytes) => (progress.value += bytes));
      button.textContent = words.ask;
    }
    const ranked = await answer(question.value);
    status.textContent = filled(words.answer, { question: question.value, kind: told(ranked[0]) });
    ranking.replaceChildren(
      ...ranked.map((pair) => Object.assign(document.createElement("li"), { textContent: told(pair) })),
    );
    ranking.hidden = false;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    await ask().catch((error) => (status.textContent = filled(words.failed, { error: error.message })));
    progress.hidden = true;
    busy = false;
  });
  form.hidden = false;
}

document.querySelectorAll("form.in-page-model").forEach(start);
