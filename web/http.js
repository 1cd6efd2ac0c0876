import { ZooError, explain } from './errors.js';

/**
 * The server's own words for a refusal, else ones made from the status.
 * @param {Response} response one whose status is not 2xx
 * @returns {Promise<ZooError>}
 */
export async function refusal(response) {
  const explained = await serversError(response);
  if (explained) return explained;
  return new ZooError(`${new URL(response.url).pathname} was refused`, {
    got: `status ${response.status} without an explanation`,
    expected: 'status 200',
    next: 'reload the page; if that does not help, look at what the server printed',
  });
}

/**
 * The server's own error. Null for a body that is not a whole one: it broke off (which Firefox 153 does not report as an error where
 * fewer bytes came than were announced), or it is not from this server but from something on the way to it.
 * @param {Response} response
 * @returns {Promise<ZooError | null>}
 */
export async function serversError(response) {
  const text = await response.text();
  try {
    const { what, got, expected, next } = JSON.parse(text).error;
    return new ZooError(String(what), { got: String(got), expected: String(expected), next: String(next) });
  } catch {
    return null;
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
