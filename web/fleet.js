/** The fleet's page: asks the server every two seconds how far each device is, and shows it. */

import { Announcer } from './announcer.js';
import { byId, html } from './dom.js';
import { ZooError, explain } from './errors.js';
import { COLUMNS, clock, endOf, runsInWords, standing } from './fleet_words.js';
import { roughly, sentence } from './format.js';
import { refusal } from './http.js';
import { showProblems } from './notices.js';

/** @import { DeviceLine, ToldTable } from './fleet_types.js' */

const EVERY_MS = 2000;
const PATIENCE_MS = 10_000;
/** A command that runs tells its table every two seconds. */
const SILENCE_S = 10;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const root = document.documentElement;
const announcer = new Announcer(byId('announcements', HTMLElement));
/** Since when the server has not answered. @type {Date | null} */
let awaySince = null;
let said = '';

/** @param {'empty' | 'live' | 'over' | 'away' | 'invalid'} state what CSS and tests go by */
function setState(state) {
  root.dataset.state = state;
}

async function main() {
  const query = new URLSearchParams(location.search);
  const id = query.get('id');
  const unknown = [...query.keys()].filter((name, at, names) => name !== 'id' || names.indexOf(name) !== at);
  if (unknown.length > 0 || (id !== null && !UUID.test(id))) {
    const problem = unknown.length > 0 ? `${unknown[0]} is unknown here, or stands twice` : `id=${id} is not a UUID in lower case`;
    showProblems('This address asks for something that the page does not know', [`${problem}. Next: leave it out to see the newest fleet.`]);
    say('');
    setState('invalid');
    return;
  }
  byId('lines', HTMLTableElement).tHead?.replaceChildren(headRow());
  for (;;) {
    await look(id);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    await shown();
  }
}

/** @param {string | null} wanted the fleet that the address names; null: whichever is the newest */
async function look(wanted) {
  try {
    const id = wanted ?? (await newest());
    const table = id === null ? null : await ask(`/api/fleets/${id}`);
    awaySince = null;
    byId('away', HTMLElement).hidden = true;
    if (table === null) showNone(wanted);
    else showTable(/** @type {ToldTable} */ (table));
  } catch (error) {
    showAway(error);
  }
}

/** @returns {Promise<string | null>} */
async function newest() {
  const { fleets } = /** @type {{fleets: readonly {fleet_id: string}[]}} */ (await ask('/api/fleets'));
  return fleets[0]?.fleet_id ?? null;
}

/**
 * @param {string} path
 * @returns {Promise<unknown>} null for a fleet that the server does not know
 */
async function ask(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (response.status === 404) return null;
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/** @param {string | null} wanted */
function showNone(wanted) {
  byId('empty-title', HTMLElement).textContent = wanted === null ? 'No fleet yet' : 'This fleet is not known here';
  byId('empty', HTMLElement).hidden = false;
  byId('lines-scroll', HTMLElement).hidden = true;
  byId('told', HTMLElement).textContent = '';
  say(wanted === null ? 'Waiting for the first fleet.' : 'Waiting for this fleet. A server that was started again knows the earlier ones no more.');
  setState('empty');
}

/** @param {ToldTable} table */
function showTable(table) {
  const { over, age_s: age, devices, started_at: startedAt, server_url: server } = table;
  byId('empty', HTMLElement).hidden = true;
  byId('lines-scroll', HTMLElement).hidden = false;
  say(standing(table), runsInWords(table));
  const silence = !over && age > SILENCE_S ? ` Its command has been silent for ${roughly(age)}: it may have ended.` : '';
  byId('told', HTMLElement).textContent = `Started ${clock(new Date(startedAt))}, on ${server}.${silence}`;
  showLines(devices, Date.now() - 1000 * age);
  setState(over ? 'over' : 'live');
}

/**
 * Rows stay where they are, and only texts change, so that nobody loses the place.
 * @param {readonly DeviceLine[]} devices
 * @param {number} toldAtMs
 */
function showLines(devices, toldAtMs) {
  const body = /** @type {HTMLTableSectionElement} */ (byId('lines', HTMLTableElement).tBodies[0]);
  while (body.rows.length > devices.length) body.deleteRow(-1);
  for (const [at, line] of devices.entries()) {
    const row = body.rows[at] ?? body.appendChild(blankRow());
    row.dataset.line = line.state;
    for (const [place, { text }] of COLUMNS.entries()) {
      const cell = /** @type {HTMLTableCellElement} */ (row.cells[place]);
      const words = text(line, endOf(line, toldAtMs));
      if (cell.textContent !== words) cell.textContent = words;
      cell.toggleAttribute('data-zero', words === '0');
    }
  }
}

function headRow() {
  const cells = COLUMNS.map(({ title, numeric }) =>
    html('th', { scope: 'col', role: 'columnheader', class: numeric ? 'numeric' : null }, title),
  );
  return html('tr', { role: 'row' }, ...cells);
}

function blankRow() {
  const cells = COLUMNS.map(({ field, title, numeric }, at) => {
    const attributes = { 'data-field': field, 'data-title': title, class: numeric ? 'numeric' : null };
    return at === 0 ? html('th', { ...attributes, scope: 'row', role: 'rowheader' }) : html('td', { ...attributes, role: 'cell' });
  });
  return html('tr', { role: 'row' }, ...cells);
}

/** @param {unknown} error */
function showAway(error) {
  const isNews = awaySince === null;
  awaySince ??= new Date();
  const isHere = error instanceof ZooError;
  const what = isHere ? 'The server cannot tell' : 'The server is out of reach';
  byId('away-title', HTMLElement).textContent = `${what} since ${clock(awaySince)}`;
  byId('away-explanation', HTMLElement).textContent = `${isHere ? `${sentence(explain(error))} ` : ''}What is shown is from before. It is asked again every two seconds.`;
  byId('away', HTMLElement).hidden = false;
  if (root.dataset.state === 'loading') say('Nothing is known yet.');
  if (isNews) announcer.tell(`${what}.`, { now: true });
  said = ''; // Once it is back, that is news.
  setState('away');
}

/**
 * Aloud only how the devices stand: with every run that is over, a large fleet would never be silent.
 * @param {string} words
 * @param {string} [more] is shown, and not said
 */
function say(words, more = '') {
  const whole = `${words} ${more}`.trim();
  const place = byId('summary', HTMLElement);
  if (place.textContent !== whole) place.textContent = whole;
  if (words !== said && words !== '') announcer.tell(words);
  said = words;
}

/** Nobody looks at a page that is hidden, so nobody is asked. @returns {Promise<void>} */
function shown() {
  return new Promise((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });
}

await main();
