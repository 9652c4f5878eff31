// The model at work: onnxruntime-web computes its outputs, and the output of every layer.

import { Values, ordinary } from "./arrays.js";
import { bytesAreFiles, loadBytes, withOutputs } from "./bytes.js";

export class Machine {
  constructor(content) {
    this.content = content;
    this.places = new Map(content.places.map(([tensor, name, first]) => [tensor, { name, first }]));
    this.outputs = content.outputs.map(({ name }) => name);
    this.inputs = new Set(content.inputs.map(({ name }) => name));
    this.other = null; // a session for a single tensor, with its name in the graph
    this.queue = Promise.resolve();
  }

  async start() {
    const [runtime, model] = await Promise.all([loadedRuntime(), loadBytes("model")]);
    this.runtime = runtime;
    this.model = model;
    this.session = await this.sessionFor(this.content.layers.map(({ tensor }) => this.places.get(tensor).name));
  }

  sessionFor(names) {
    const known = new Set([...this.outputs, ...this.inputs]);
    const further = [...new Set(names)].filter((name) => !known.has(name));
    return this.runtime.InferenceSession.create(withOutputs(this.model, further), { executionProviders: ["wasm"], logSeverityLevel: 3 });
  }

  // One after the other: the runtime does one thing at a time.
  inTurn(work) {
    const done = this.queue.then(work);
    this.queue = done.catch(() => null);
    return done;
  }

  // Computes everything for inputs, which are arrays with types and shapes by name; or the outputs and some layers.
  run(given, layers = this.content.layers) {
    return this.inTurn(async () => {
      const began = performance.now(),
        names = [...this.outputs, ...layers.map(({ tensor }) => this.places.get(tensor).name)],
        wanted = [...new Set(names)].filter((name) => !this.inputs.has(name)),
        results = await this.session.run(this.fed(given), wanted);
      return new Results(this, given, results, performance.now() - began);
    });
  }

  fed(given) {
    return Object.fromEntries(Object.entries(given).map(([name, { type, data, shape }]) => [name, new this.runtime.Tensor(type, data, shape)]));
  }

  // The values of a tensor that is no layer's output: the graph with that output is made when it is asked for first.
  computed(tensor, given) {
    const place = this.places.get(tensor);
    return this.inTurn(async () => {
      if (!this.other || this.other.name !== place.name) {
        if (this.other) await this.other.session.release(); // it holds all weights
        this.other = { name: place.name, session: await this.sessionFor([place.name]) };
      }
      const found = await this.other.session.run(this.fed(given), [place.name]);
      return valuesOf(found[place.name], place.first);
    });
  }
}

const valuesOf = (tensor, first) => new Values(ordinary(tensor.data, tensor.type), tensor.dims, first);

// What one run gave.
class Results {
  constructor(machine, given, results, time) {
    this.machine = machine;
    this.given = given;
    this.results = results;
    this.time = time;
    this.known = new Map();
  }

  output(name) {
    return valuesOf(this.results[name], false);
  }

  // The values of a tensor of the recording, undefined where they weren't computed.
  tensor(id) {
    if (!this.known.has(id)) {
      const place = this.machine.places.get(id),
        found = place && this.results[place.name],
        input = place && this.given[place.name];
      if (input) this.known.set(id, new Values(ordinary(input.data, input.type), input.shape, false));
      else this.known.set(id, found ? valuesOf(found, place.first) : undefined);
    }
    return this.known.get(id);
  }
}

const MOST_THREADS = 4;

async function loadedRuntime() {
  if (bytesAreFiles) {
    const runtime = await import(new URL("runtime.mjs", document.baseURI).href);
    runtime.env.wasm.wasmPaths = { wasm: new URL("runtime.wasm", document.baseURI).href };
    runtime.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
    return runtime;
  }
  const [script, program] = await Promise.all([loadBytes("runtime-script"), loadBytes("runtime-program")]);
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const runtime = await import(address);
  runtime.env.wasm.wasmBinary = program.buffer;
  runtime.env.wasm.numThreads = 1; // several need memory that pages from a file can't share
  return runtime;
}
