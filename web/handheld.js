/** Which devices are phones or tablets: their systems end pages long before the memory is full. */

/** @import { Device } from './run_types.js' */

/**
 * Browsers call phones mobile, and tablets mostly not: an iPad says that it is a Macintosh, and is told from one by its touch screen,
 * which no Macintosh has; Android tablets leave out "Mobi", and Chromium's hints say that they are not mobile.
 * @param {Pick<Device, 'user_agent' | 'platform' | 'form_factor' | 'mobile'>} device
 * @param {number} touchPoints navigator.maxTouchPoints
 */
export function isHandheld({ user_agent: userAgent, platform, form_factor: formFactor, mobile }, touchPoints) {
  const isAndroid = platform === 'Android' || /\bAndroid\b/.test(userAgent);
  const isTablet = /\biPad\b/.test(userAgent) || (/\bMacintosh\b/.test(userAgent) && touchPoints > 1) || /\bTablet\b/.test(formFactor ?? '');
  return mobile || isAndroid || isTablet;
}
