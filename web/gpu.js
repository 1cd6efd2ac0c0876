/** What WebGPU this browser has. */

/** @typedef {{vendor: string | null, architecture: string | null, description: string | null, software: boolean}} Gpu */
/** @typedef {{gpu: Gpu, missing: null} | {gpu: null, missing: string}} GpuProbe the adapter, or why there is none */

/** Renderers that compute on the processor: right, and hundreds of times slower than a GPU. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render/i;

/**
 * Ask for an adapter, as a worker will when it times.
 * @returns {Promise<GpuProbe>}
 */
export async function probeGpu() {
  if (!isSecureContext) return { gpu: null, missing: 'WebGPU needs https (or localhost)' };
  if (!navigator.gpu) return { gpu: null, missing: 'this browser has no WebGPU' };
  try {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return { gpu: null, missing: 'this browser has WebGPU but offers no adapter on this device' };
    return { gpu: describe(adapter), missing: null };
  } catch (error) {
    return { gpu: null, missing: `asking for a WebGPU adapter failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/**
 * @param {GPUAdapter} adapter
 * @returns {Gpu}
 */
function describe({ info }) {
  const { vendor, architecture, description, device } = info;
  const software = info.isFallbackAdapter || SOFTWARE.test([vendor, architecture, description, device].join(' '));
  return { vendor: vendor || null, architecture: architecture || null, description: description || device || null, software };
}
