function sortText(sort: string | readonly string[] | undefined): string | undefined {
  return typeof sort === "object" ? sort.join(",") : sort;
}

/** A selection as the server reads it: `title,author{name}`. */
export function selectText(selection: object | undefined): string | undefined {
  if (selection === undefined) return undefined;
  if (typeof selection !== "object" || selection === null || Array.isArray(selection)) {
    throw new TypeError("a selection is an object: { title: true, author: { name: true } }");
  }
  return Object.entries(selection)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => partText(name, value))
    .join(",");
}

function partText(name: string, value: any): string {
  if (value === true) return name;
  if (value === "optional") return `${name}?`;
  if (value.$of !== undefined) {
    const [called, part] = Object.entries(value.$of)[0] ?? [name, true];
    return called === name ? partText(called, part) : `${name}=${partText(called, part)}`;
  }
  const { $filter, $search, $sort, $limit, $after, $cursor, $optional, $count, $sum, $min, $max, ...fields } = value;
  const text = (word: unknown) => (word === undefined ? undefined : JSON.stringify(word));
  const sort = typeof $sort === "object" ? `[${$sort.join(",")}]` : $sort;
  const all = [["sort", sort], ["limit", $limit], ["search", text($search)], ["after", text($after)], ["filter", $filter]];
  const given = all.filter(([, argument]) => argument !== undefined);
  const list = given.map(([argument, text]) => `${argument}:${text}`).join(",");
  const [called] = [["sum", $sum], ["min", $min], ["max", $max]].filter(([, field]) => field !== undefined);
  const inner = [selectText(fields), $cursor ? "$cursor" : ""].filter((text) => text);
  return [
    name,
    $optional ? "?" : "",
    list === "" ? "" : `(${list})`,
    $count ? ":count" : called ? `:${called[0]}(${called[1]})` : "",
    inner.length === 0 ? "" : `{${inner.join(",")}}`,
  ].join("");
}

/** The body of a list. */
function listBody({ select, sort, highlight, ...rest }: any = {}): { [member: string]: unknown } {
  return { ...rest, select: selectText(select), sort: sortText(sort), highlight: highlight?.join(",") };
}

/** The body of an aggregate. */
function aggregateBody({ group = [], select = { count: true }, sort, ...rest }: any = {}): { [member: string]: unknown } {
  const keys = group.flatMap((key: any) => (typeof key === "string" ? [key] : namedTexts(key)));
  const values = Object.entries(select).flatMap(([name, fold]: [string, any]) =>
    fold === true
      ? [name === "count" ? name : `${name}=count`]
      : Object.entries(fold).map(([called, term]) => `${name}=${called}(${term})`),
  );
  return { ...rest, group: keys.length === 0 ? undefined : keys.join(","), select: values.join(","), sort: sortText(sort) };
}

function namedTexts(key: object): string[] {
  return Object.entries(key).filter(([, term]) => term !== undefined).map(([name, term]) => `${name}=${term}`);
}

/** The requests of a transaction. */
export class LaterRequests {
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  list(query?: any): LaterRequest<any> {
    return later({ list: this.name, query: listBody(query) });
  }

  aggregate(query?: any): LaterRequest<any> {
    return later({ aggregate: this.name, query: aggregateBody(query) });
  }

  get(which: any, { select, params, asOf }: any = {}): LaterRequest<any> {
    return later({ get: this.name, ...named(which), select: selectText(select), params, asOf });
  }

  create(body: any, options?: any): LaterRequest<any> {
    return writtenLater({ create: this.name, body }, options);
  }

  createMany(body: any, options?: any): LaterRequest<any> {
    return this.create(body, options);
  }

  upsert(body: any, { onConflict, ...options }: any): LaterRequest<any> {
    return writtenLater({ create: this.name, onConflict, body }, options);
  }

  upsertMany(bodies: any, options: any): LaterRequest<any> {
    return this.upsert(bodies, options);
  }

  update(which: any, body: any, options?: any): LaterRequest<any> {
    return writtenLater({ update: this.name, ...named(which), body }, options);
  }

  replace(which: any, body: any, options?: any): LaterRequest<any> {
    return writtenLater({ replace: this.name, ...named(which), body, ifNoneMatch: options?.ifNoneMatch }, options);
  }

  delete(which: any, options?: ChangeOptions): LaterRequest<any> {
    return later({ delete: this.name, ...named(which), ifMatch: options?.ifMatch });
  }

  updateAll(query: any, body: any): LaterRequest<any> {
    return later({ updateAll: this.name, query: listBody(query), body });
  }

  deleteAll(query: any): LaterRequest<any> {
    return later({ deleteAll: this.name, query: listBody(query) });
  }

  restore(id: any, body?: any, options?: any): LaterRequest<any> {
    return writtenLater({ restore: this.name, id, body }, options);
  }

  purge(id: any, options?: ChangeOptions): LaterRequest<any> {
    return later({ purge: this.name, id, ifMatch: options?.ifMatch });
  }

  history(id: any, query?: any): LaterRequest<any> {
    return later({ history: this.name, id, query });
  }
}

function writtenLater(request: object, { select, params, ifMatch }: any = {}): LaterRequest<any> {
  const hides = select === undefined || !("id" in select || "*" in select);
  return later({ ...request, select: selectText(select), params, ifMatch }, hides);
}

function later(request: { [member: string]: unknown }, hides = false): LaterRequest<any> {
  return { request, hides, as: (name) => later({ ...request, as: name }, hides) };
}

function named(which: any): { [member: string]: unknown } {
  return typeof which === "object" ? { by: which } : { id: which };
}
