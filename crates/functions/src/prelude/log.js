// `log` and `console` of functions: lines of the server's log.

import { host, provide, strict } from "backstay:run";

const { stringify } = JSON;

function logged(level) {
  return (...parts) => {
    const text = (part) => (typeof part === "string" ? part : part instanceof Error ? `${part}\n${part.stack}` : stringify(part));
    host.log(level, parts.map(text).join(" "));
  };
}
const log = strict({ debug: logged("debug"), info: logged("info"), warn: logged("warn"), error: logged("error") }, "log");
const console = strict(
  { debug: log.debug, log: log.info, info: log.info, warn: log.warn, error: log.error, trace: log.debug },
  "console",
);
provide({ log, console });
