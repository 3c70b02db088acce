import { Problem, Refused, type FunctionContext } from "backstay";

const STATUS: { [code: string]: number } = { "not-found": 404, forbidden: 403, "wrong-credentials": 401 };

/** A route whose refusals are written as the RealWorld API has them: `{"errors": {"body": ["…"]}}`. */
export function route(run: (request: Request, context: FunctionContext) => Promise<unknown>) {
  return async (request: Request, context: FunctionContext) => {
    try {
      return await run(request, context);
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Refused)) throw error;
      const parts = error instanceof Problem ? error.errors.map(({ at, message }) => `${at} ${message}`) : [];
      const body = parts.length > 0 ? parts : [error.message];
      return Response.json({ errors: { body } }, { status: STATUS[error.code ?? ""] ?? 422 });
    }
  };
}

/** What is in the body under this name: `{"article": {…}}`. */
export async function sent(request: Request, name: string) {
  const value = (await request.json().catch(() => null))?.[name];
  if (typeof value !== "object" || value === null) throw new Refused(`the body is not {"${name}": {…}}`);
  return value;
}
