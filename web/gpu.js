/** What WebGPU and WebGL this browser has. */

/**
 * `fallback`: what the browser says of the adapter itself, null where it does not say.
 * @typedef {{vendor: string | null, architecture: string | null, description: string | null, software: boolean, fallback: boolean | null}} Gpu
 */
/** @typedef {{gpu: Gpu, missing: null} | {gpu: null, missing: string}} GpuProbe the adapter, or why there is none */

/** Renderers that compute on the processor: right, and hundreds of times slower than a GPU. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render|apple software renderer/i;

/**
 * Whether a GPU of that name computes on the processor.
 * @param {string | null} name
 */
export function isSoftware(name) {
  return name !== null && SOFTWARE.test(name);
}

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
 * What draws WebGL here, by the name that the browser gives unmasked; null without WebGL or where it is not told.
 * @returns {string | null}
 */
export function webglRenderer() {
  const gl = document.createElement('canvas').getContext('webgl');
  if (!gl) return null;
  const masked = String(gl.getParameter(gl.RENDERER) ?? '');
  // Firefox gives the name here, and complains on the console of the extension that the others need.
  const unmasked = masked === '' || masked === 'WebKit WebGL' ? gl.getExtension('WEBGL_debug_renderer_info') : null;
  const name = unmasked ? gl.getParameter(unmasked.UNMASKED_RENDERER_WEBGL) : masked;
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return typeof name === 'string' && name !== '' ? name.slice(0, 1000) : null;
}

/**
 * @param {GPUAdapter & {isFallbackAdapter?: boolean}} adapter which said itself whether it is a fallback before its info did
 * @returns {Gpu}
 */
function describe({ info, isFallbackAdapter }) {
  const { vendor, architecture, description, device } = info;
  const fallback = info.isFallbackAdapter ?? isFallbackAdapter ?? null;
  return {
    vendor: vendor || null,
    architecture: architecture || null,
    description: description || device || null,
    software: fallback === true || isSoftware([vendor, architecture, description, device].join(' ')),
    fallback,
  };
}
