/** own_model_timing.js for WebNN, as webnn_worker.js is worker.js for it. */

import './own_model_timing.js';
