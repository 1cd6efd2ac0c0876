/** worker.js for WebNN: the server lets this one make functions of strings, which onnxruntime-web's WebNN does (serving/replies.py). */

import './worker.js';
