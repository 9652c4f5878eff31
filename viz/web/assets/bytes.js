// Bytes: those that travel in the page or lie in its folder, and the ONNX file, to which outputs are added.

// From base64. Browsers older than 2025 know only the slow way.
function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text),
    bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function unzipped(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const FILES = { model: "model.onnx", numbers: "numbers.bin" };

// Where the page's bytes are: in elements of the page, or in files of its folder on a web server.
export const bytesAreFiles = Boolean(document.querySelector("meta[name=files]"));

export async function loadBytes(name) {
  if (bytesAreFiles) {
    const answer = await fetch(FILES[name]);
    if (!answer.ok) throw new Error(`${FILES[name]}: the server answered ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  }
  const node = document.getElementById(name),
    packed = fromBase64(node.textContent);
  node.remove(); // its text takes as much memory again
  return unzipped(packed);
}

// ---------------------------------------------------------------- protobuf

function varint(number) {
  const bytes = [];
  for (let rest = number; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

const GRAPH = 7, // the number of ModelProto's field
  OUTPUT = 12, // of GraphProto's
  NAME = 1; // of ValueInfoProto's

const field = (number, bytes) => [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];

// An ONNX file whose graph has further outputs. A message that follows another of the same field is merged into it, so
// they are written behind the file, of which nothing has to be read.
export function withOutputs(model, names) {
  const encoder = new TextEncoder();
  const outputs = names.map((name) => Uint8Array.from(field(OUTPUT, field(NAME, encoder.encode(name)))));
  const length = outputs.reduce((sum, each) => sum + each.length, 0);
  const head = Uint8Array.from([...varint(GRAPH * 8 + 2), ...varint(length)]);
  const made = new Uint8Array(model.length + head.length + length);
  made.set(model);
  made.set(head, model.length);
  let at = model.length + head.length;
  for (const each of outputs) {
    made.set(each, at);
    at += each.length;
  }
  return made;
}
