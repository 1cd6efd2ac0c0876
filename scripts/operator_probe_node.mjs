/** Reads a JSON list of ONNX models in base64, puts them to the WebAssembly build, and prints {version, answers} as JSON. */

import * as ort from 'onnxruntime-web/wasm';
import { readFileSync, writeSync } from 'node:fs';

import { fromBase64, probe } from './operator_probe.mjs';

ort.env.wasm.numThreads = 1;
/** @type {string[]} */
const models = JSON.parse(readFileSync(0, 'utf8'));
const answers = await probe(ort, 'wasm', models.map(fromBase64), null);
let rest = Buffer.from(JSON.stringify({ version: ort.env.versions.web, answers }));
while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
