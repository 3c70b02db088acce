// `secrets` of functions: values of the configuration that nobody else may see.

import { host, provide, strict } from "backstay:run";

const secrets = strict(
  {
    get(name) {
      const value = host.secret(String(name));
      if (value !== undefined) return value;
      const known = host.secretNames();
      const near = host.nearest(String(name), known);
      const what = near ? `did you mean "${near}"?` : `name it under [secrets] in backstay.toml, or set BACKSTAY_SECRET_${name}`;
      throw new TypeError(`there is no secret "${name}"; ${what}`);
    },
    has: (name) => host.secret(String(name)) !== undefined,
  },
  "secrets",
);

provide({ secrets });
