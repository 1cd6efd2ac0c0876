/** What the page can learn of the device that it runs on. */

import { browserName, engineName, systemName } from './browser_name.js';
import { webglRenderer } from './gpu.js';
import { deviceId } from './identity.js';
import { wasmFeatures } from './wasm_features.js';

/** @import { Device } from './run_types.js' */
/** @import { Brand } from './browser_name.js' */
/** @import { Gpu } from './gpu.js' */

/** What TypeScript's DOM library lacks: user-agent client hints and device memory, both of Chromium's family. */
/**
 * @typedef {{fullVersionList?: Brand[], platformVersion?: string, architecture?: string, bitness?: string, model?: string,
 *   formFactors?: string[], wow64?: boolean}} Hints
 */
/** @typedef {{mobile: boolean, platform: string, getHighEntropyValues: (names: string[]) => Promise<Hints>}} UserAgentData */
/** @typedef {Navigator & {userAgentData?: UserAgentData, deviceMemory?: number}} HintingNavigator */

/** Everything of a Device but what it is told: the name that its owner gives it, and what it pretends to be. */
/** @typedef {Omit<Device, 'device_name' | 'emulated'>} Environment */

const HINTS = ['fullVersionList', 'platformVersion', 'architecture', 'bitness', 'model', 'formFactors', 'wow64'];
const TIMER_STEPS = 20;
const TIMER_PATIENCE_MS = 60;

/**
 * @param {Gpu | null} gpu
 * @returns {Promise<Environment>}
 */
export async function readEnvironment(gpu) {
  const { userAgent, userAgentData, hardwareConcurrency, deviceMemory } = /** @type {HintingNavigator} */ (navigator);
  const hints = await highEntropyHints(userAgentData);
  const brands = hints.fullVersionList ?? [];
  return Object.freeze({
    device_id: deviceId(),
    user_agent: userAgent.slice(0, 1000),
    ...browserName(brands, userAgent),
    ...engineName(brands, userAgent),
    platform: userAgentData?.platform || systemName(userAgent),
    platform_version: hints.platformVersion || null,
    architecture: hints.architecture || null,
    bitness: hints.bitness || null,
    wow64: hints.wow64 ?? null,
    form_factor: hints.formFactors?.join(', ') || null,
    device_model: hints.model || null,
    mobile: userAgentData?.mobile ?? /\bMobi/.test(userAgent),
    cores: hardwareConcurrency || null,
    memory_gb: deviceMemory ?? null,
    gpu_vendor: gpu?.vendor ?? null,
    gpu_architecture: gpu?.architecture ?? null,
    gpu_description: gpu?.description ?? null,
    gpu_software: gpu?.software ?? null,
    gpu_fallback_adapter: gpu?.fallback ?? null,
    webgl_renderer: webglRenderer(),
    screen_width: Math.round(screen.width),
    screen_height: Math.round(screen.height),
    pixel_ratio: devicePixelRatio,
    secure_context: isSecureContext,
    cross_origin_isolated: crossOriginIsolated,
    timer_step_ms: timerStep(),
    ...wasmFeatures(),
  });
}

/**
 * What to call a device whose owner has not named it.
 * @param {Environment} environment
 */
export function defaultDeviceName({ browser, platform, device_model: model }) {
  return `${browser} on ${model ?? platform}`.slice(0, 200);
}

/**
 * The smallest step of performance.now() seen: browsers coarsen it, more so without cross-origin isolation.
 * @returns {number} milliseconds
 */
function timerStep() {
  const begin = performance.now();
  let [before, smallest, steps] = [begin, Infinity, 0];
  while (steps < TIMER_STEPS && before - begin < TIMER_PATIENCE_MS) {
    const now = performance.now();
    if (now > before) {
      smallest = Math.min(smallest, now - before);
      before = now;
      steps += 1;
    }
  }
  return smallest;
}

/**
 * @param {UserAgentData | undefined} userAgentData
 * @returns {Promise<Hints>}
 */
async function highEntropyHints(userAgentData) {
  if (!userAgentData) return {};
  try {
    return await userAgentData.getHighEntropyValues(HINTS);
  } catch {
    return {}; // The browser refuses to tell, which is its right: those fields stay null.
  }
}
