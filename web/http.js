import { ZooError, explain } from './errors.js';

/**
 * The server's own words for a refusal, else ones made from the status.
 * @param {Response} response one whose status is not 2xx
 * @returns {Promise<ZooError>}
 */
export async function refusal(response) {
  const path = new URL(response.url).pathname;
  const text = await response.text();
  try {
    const { what, got, expected, next } = JSON.parse(text).error;
    return new ZooError(String(what), { got: String(got), expected: String(expected), next: String(next) });
  } catch {
    return new ZooError(`${path} was refused`, {
      got: `status ${response.status} without an explanation`,
      expected: 'status 200',
      next: 'reload the page; if that does not help, look at what the server printed',
    });
  }
}

/**
 * A JSON document of this server.
 * @param {string} path
 * @returns {Promise<unknown>}
 * @throws {ZooError} when the server cannot be reached, refuses, or answers something else
 */
export async function fetchJson(path) {
  let response;
  try {
    response = await fetch(path);
  } catch (error) {
    throw new ZooError(`${path} cannot be fetched`, {
      got: explain(error),
      expected: 'an answer from the server that sent this page',
      next: 'check that the server still runs, then reload the page',
    });
  }
  if (!response.ok) throw await refusal(response);
  try {
    return await response.json();
  } catch (error) {
    throw new ZooError(`${path} is not JSON`, { got: explain(error), expected: 'a JSON document', next: 'restart the server' });
  }
}
