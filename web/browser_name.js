/** Which browser, engine and system this is, from its user-agent hints where it gives them, else from its user-agent string. */

/** @typedef {{brand: string, version: string}} Brand */
/** @typedef {{browser: string, browser_version: string}} BrowserName */
/** @typedef {{engine: string | null, engine_version: string | null}} EngineName */

/** Brands as the hints spell them, the more telling first: every one of them also says "Chromium". */
const BRANDS = /** @type {const} */ ([
  ['Microsoft Edge', 'Edge'],
  ['Opera', 'Opera'],
  ['Samsung Internet', 'Samsung Internet'],
  ['Brave', 'Brave'],
  ['YaBrowser', 'Yandex Browser'],
  ['Google Chrome', 'Chrome'],
  ['HeadlessChrome', 'Chrome'],
  ['Chromium', 'Chromium'],
]);

/** Tokens of user-agent strings, the more telling first: Edge also says Chrome, and Chrome also says Safari. */
const TOKENS = /** @type {const} */ ([
  [/\bEdg(?:A|iOS)?\/([\d.]+)/, 'Edge'],
  [/\bOPR\/([\d.]+)/, 'Opera'],
  [/\bSamsungBrowser\/([\d.]+)/, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\/([\d.]+)/, 'Firefox'],
  [/\b(?:HeadlessChrome|CriOS|Chrome)\/([\d.]+)/, 'Chrome'],
  [/\bVersion\/([\d.]+).*\bSafari\//, 'Safari'],
]);

/** Every browser on iOS is WebKit, and says AppleWebKit without Chrome; Blink says both, and Gecko neither. */
const ENGINES = /** @type {const} */ ([
  [/\b(?:Headless)?Chrome\/([\d.]+)/, 'Blink'],
  [/\bGecko\/\d+ Firefox\/([\d.]+)/, 'Gecko'],
  [/\bAppleWebKit\/([\d.]+)/, 'WebKit'],
]);

const SYSTEMS = /** @type {const} */ ([
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bCrOS\b/, 'Chrome OS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]);

/**
 * @param {readonly Brand[]} brands the hints' fullVersionList, empty where there is none
 * @param {string} userAgent
 * @returns {BrowserName}
 */
export function browserName(brands, userAgent) {
  for (const [brand, browser] of BRANDS) {
    const found = brands.find((candidate) => candidate.brand === brand);
    if (found) return { browser, browser_version: found.version };
  }
  for (const [token, browser] of TOKENS) {
    const version = token.exec(userAgent)?.[1];
    if (version) return { browser, browser_version: version };
  }
  return { browser: 'unknown', browser_version: '' };
}

/**
 * The engine, and its version as far as it is told: Chromium's for Blink, Firefox's for Gecko; WebKit has said 605.1.15 since 2018.
 * @param {readonly Brand[]} brands the hints' fullVersionList, empty where there is none
 * @param {string} userAgent
 * @returns {EngineName}
 */
export function engineName(brands, userAgent) {
  const chromium = brands.find(({ brand }) => brand === 'Chromium');
  if (chromium) return { engine: 'Blink', engine_version: chromium.version };
  for (const [token, engine] of ENGINES) {
    const version = token.exec(userAgent)?.[1];
    if (version) return { engine, engine_version: version };
  }
  return { engine: null, engine_version: null };
}

/**
 * The operating system's name in a user-agent string.
 * @param {string} userAgent
 */
export function systemName(userAgent) {
  return SYSTEMS.find(([token]) => token.test(userAgent))?.[1] ?? 'unknown';
}
