// `jobs` of functions: work to be done later.

import { ask, block, here, provide, strict } from "backstay:run";

const TERMS = ["at", "attempts", "delay", "priority", "series", "unique"];

const jobs = strict({
  /** Queues a job: in the transaction that is open, or by itself. Answers its id, or null if it is unique. */
  async add(job, input = {}, terms = {}) {
    if (typeof job !== "string") throw new TypeError("jobs.add takes the name of a job: jobs.add(\"sendInvoice\", { order })");
    const unknown = Object.keys(terms).find((name) => !TERMS.includes(name));
    if (unknown !== undefined) throw new TypeError(`jobs.add has no option \`${unknown}\`; it has ${TERMS.join(", ")}`);
    return ask({ kind: "queue", block: block()?.block, request: { ...terms, job, input } }, here("jobs.add"));
  },
  /** Keeps how far the job is that runs: what part of it is done, 0 to 1, and what it is at. */
  async report(done, note = null) {
    await ask({ kind: "report", request: { done, note } }, here("jobs.report"));
  },
}, "jobs");

provide({ jobs });
