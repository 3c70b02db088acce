import type { Db, Problem } from "backstay";

/** What a test gets. */
export interface TestContext {
  /** Requests that no access rule stops, to make what the test needs and to look at what became of it. */
  readonly db: TestDb;
  /** In the name of an account: its record, its id or its email address; with `null`, of somebody who hasn't signed in. */
  as(who: { readonly id: string } | string | null, options?: { roles?: readonly string[] }): Acting;
  readonly clock: TestClock;
  readonly fetches: TestFetches;
  /** The jobs that were queued so far, the oldest first; `clock.advance` runs those that are due. */
  readonly jobs: { list(): Promise<TestJob[]> };
  /** The mail that was sent so far. Nothing that a test sends leaves it; `clock.advance` sends what is queued. */
  mails(): Promise<TestMail[]>;
}

/** A job of the application that is tested. */
export interface TestJob {
  readonly id: string;
  readonly job: string;
  readonly state: "WAITING" | "RUNNING" | "DONE" | "DEAD" | "CANCELLED";
  readonly input: any;
  readonly result: any;
  readonly error: string | null;
  readonly attempts: number;
  /** When it is due; null behind another job of its series, and once it has ended. */
  readonly dueAt: string | null;
  /** What part of it is done, and what it is at, as it has reported. */
  readonly done: number | null;
  readonly note: string | null;
}

/** A mail that a test has sent. */
export interface TestMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string | null;
  readonly language: string;
}

/** Requests and calls of somebody. */
export interface Acting {
  readonly db: Omit<Db, "transaction">;
  /** Calls an action of the model, as a client does. */
  call(action: string, args?: object): Promise<any>;
  /** Sends a request over HTTP to the application, such as one for a route. Redirects aren't followed. */
  fetch(path: string, init?: TestRequest): Promise<Response>;
}

/** A request over HTTP: `GET` without a body, unless it says something else. */
export interface TestRequest {
  method?: string;
  headers?: { [name: string]: string } | [string, string][];
  body?: string;
  /** The body, as JSON. */
  json?: unknown;
}

/** Requests that access rules would refuse to everyone have no types of their own: they take and return anything. */
export type TestDb = {
  readonly [path in Exclude<keyof Db, "transaction">]: Db[path] & Omit<AnyRequests, keyof Db[path]>;
} & { readonly [path in HiddenPath]: AnyRequests };

interface AnyRequests {
  list(query?: any): Promise<any>;
  pages(query?: any): AsyncIterableIterator<any>;
  all(query?: any): AsyncIterableIterator<any>;
  get(which?: any, query?: any): Promise<any>;
  find(which: any, query?: any): Promise<any>;
  aggregate(query: any): Promise<any>;
  create(body: any, options?: any): Promise<any>;
  createMany(bodies: any[], options?: any): Promise<any>;
  upsert(body: any, options: any): Promise<any>;
  upsertMany(bodies: any[], options: any): Promise<any>;
  update(which: any, body: any, options?: any): Promise<any>;
  replace(which: any, body: any, options?: any): Promise<any>;
  delete(which: any, options?: any): Promise<null>;
  updateAll(query: any, body?: any): Promise<any>;
  deleteAll(query: any): Promise<any>;
  restore(which: any, body?: any, options?: any): Promise<any>;
  purge(which: any, options?: any): Promise<null>;
  history(which: any, query?: any): Promise<any>;
}

/** The time as the application sees it. */
export interface TestClock {
  now(): Date;
  /** Moves it forward, by `90s`, `36h` or `PT1H30M`, and does what is due until then. */
  advance(duration: string): Promise<void>;
}

/** What functions get from `fetch`: tests call no servers. */
export interface TestFetches {
  /**
   * What `fetch` gets for a method and a URL, such as `POST https://pay.example/charges`. Several answers are given one after the
   * other, the last one again and again.
   */
  answer(request: string, answer?: TestAnswer): Promise<void>;
  /** What functions have sent, in that order; names of headers are in small letters. */
  sent(): Promise<{ method: string; url: string; headers: { [name: string]: string }; body: string }[]>;
}

/** An answer: 200 without a body, unless it says something else. */
export interface TestAnswer {
  status?: number;
  headers?: { [name: string]: string };
  body?: string;
  /** The body, as JSON. */
  json?: unknown;
}

/** Declares a test, which has an application of its own. */
export function test(name: string, run: (context: TestContext) => void | Promise<void>): void;
/** Fails the test unless this is true. */
export function assert(value: unknown, message?: string): asserts value;
/** Says what a value is expected to be. */
export function expect(value: unknown): Matchers<void> & {
  readonly not: Matchers<void>;
  readonly resolves: Matchers<Promise<void>>;
  readonly rejects: Matchers<Promise<void>>;
};

export interface Matchers<R> {
  /** The same value. */
  toBe(expected: unknown): R;
  /** The same in all that it holds. */
  toEqual(expected: unknown): R;
  /** The same in all that the expected value holds. */
  toMatchObject(expected: object): R;
  toBeNull(): R;
  toBeUndefined(): R;
  toBeDefined(): R;
  toBeTruthy(): R;
  toBeFalsy(): R;
  toBeGreaterThan(expected: number | bigint): R;
  toBeGreaterThanOrEqual(expected: number | bigint): R;
  toBeLessThan(expected: number | bigint): R;
  toBeLessThanOrEqual(expected: number | bigint): R;
  toBeInstanceOf(expected: abstract new (...given: any[]) => unknown): R;
  toContain(expected: unknown): R;
  toHaveLength(expected: number): R;
  toMatch(expected: string | RegExp): R;
  /** An error: with this word in its message, this code or reason, this pattern, or of this class. */
  toThrow(expected?: string | RegExp | (abstract new (...given: any[]) => unknown)): R;
}
export { Problem };
