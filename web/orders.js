/** The worker's side of what web/supervisor.js orders. */

/** @import { LaterOrder, WorkerMessage } from './types.js' */
/** @import { Benchmark } from './benchmark.js' */
/** @import { Report } from './run_log.js' */

/**
 * Say that this worker is alive, then do what comes, one order at a time; the page sends none before the last is done.
 * @template Prepare
 * @param {(order: Prepare, report: Report) => Benchmark} begin makes the instrument of the one run that this worker is for
 */
export function obey(begin) {
  const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));
  const post = (/** @type {WorkerMessage} */ message) => scope.postMessage(message);
  /** @type {Benchmark | null} */
  let benchmark = null;
  const follow = async (/** @type {({kind: 'prepare'} & Prepare) | LaterOrder} */ order) => {
    if (order.kind === 'prepare') benchmark = begin(order, (progress, measured) => post({ kind: 'progress', progress, measured }));
    if (!benchmark) throw new Error(`the order ${order.kind} came before the order prepare`);
    post({ kind: 'done', measured: await carryOut(benchmark, order) });
  };
  scope.onmessage = ({ data }) => {
    follow(data).catch((error) => {
      setTimeout(() => { throw error; }); // The page hears of what is thrown outside of promises only.
    });
  };
  post({ kind: 'alive' });
}

/**
 * @param {Benchmark} benchmark
 * @param {{kind: 'prepare'} | LaterOrder} order
 */
function carryOut(benchmark, order) {
  switch (order.kind) {
    case 'prepare':
      return benchmark.prepare();
    case 'take':
      return benchmark.take(order);
    case 'restart':
      return benchmark.restart();
    case 'finish':
      return benchmark.finish(order);
  }
}
