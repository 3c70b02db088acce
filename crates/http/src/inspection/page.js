"use strict";

// Shows the traces that `/inspect/traces` answers. Texts of the server become text nodes, never markup.
(() => {
  const [filter, signIn, problem, until, list, detail] =
    ["filter", "sign-in", "problem", "until", "traces", "detail"].map((id) => document.getElementById(id));
  const EVERY = 1000;
  let chosen = null;
  let shown = "";

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  const millis = (micros) => (micros < 1000 ? `${micros} µs` : `${(micros / 1000).toFixed(1)} ms`);

  async function ask(parameters) {
    const response = await fetch(`/inspect/traces?${new URLSearchParams(parameters)}`);
    if (response.status === 401) {
      signIn.hidden = false;
      return null;
    }
    const answer = await response.json();
    if (!response.ok) {
      const errors = (answer.errors ?? []).map((error) => `${error.at}: ${error.message}`);
      throw new Error([answer.detail, ...errors].join("; "));
    }
    signIn.hidden = true;
    return answer;
  }

  function told(error) {
    problem.textContent = error?.message ?? "";
    problem.hidden = !error;
  }

  function wanted() {
    const pairs = [...new FormData(filter)].filter(([name, value]) => value !== "" && name !== "live");
    return Object.fromEntries(pairs);
  }

  function line(trace) {
    const failed = (trace.status ?? 0) >= 400 || (trace.status === null && trace.outcome !== null);
    const status = trace.status ?? trace.kind;
    const button = element("button", { type: "button" },
      element("span", { className: failed ? "refused" : "" }, String(status)),
      element("span", { className: "name" }, trace.name),
      element("span", { className: "time" }, millis(trace.micros)));
    button.dataset.id = trace.id;
    button.setAttribute("aria-current", String(trace.id === chosen));
    button.addEventListener("click", () => choose(trace.id));
    return element("li", {}, button);
  }

  async function refresh() {
    try {
      const answer = await ask(wanted());
      if (answer === null) {
        return;
      }
      told(null);
      until.textContent = answer.until ? `on until ${answer.until}` : "";
      const text = JSON.stringify(answer.traces.map((trace) => trace.id)) + chosen;
      if (text === shown) {
        return;
      }
      shown = text;
      const focused = document.activeElement?.dataset?.id;
      list.replaceChildren(...answer.traces.map(line));
      if (focused) {
        buttons().find((button) => button.dataset.id === focused)?.focus();
      }
    } catch (error) {
      told(error);
    }
  }

  const buttons = () => [...list.querySelectorAll("button")];

  async function choose(id) {
    chosen = id;
    buttons().forEach((button) => button.setAttribute("aria-current", String(button.dataset.id === id)));
    history.replaceState(null, "", `#${id}`);
    try {
      const answer = await ask({ id });
      if (answer !== null && chosen === id) {
        const found = answer.traces.map(whole);
        detail.replaceChildren(...(found.length > 0 ? found : [element("p", {}, "This trace isn't kept any more.")]));
        told(null);
      }
    } catch (error) {
      told(error);
    }
  }

  function part(title, items, made) {
    return items && items.length > 0 ? element("div", {}, element("h3", {}, title), made(items)) : null;
  }

  function table(head, rows) {
    const header = element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)));
    return element("table", {}, element("thead", {}, header), element("tbody", {}, ...rows));
  }

  function statement(one) {
    const cost = one.error
      ? `${one.error} after ${millis(one.micros)}`
      : `${one.rows} rows, ${millis(one.micros)}, ${one.scanned} visited without an index, ${one.steps} steps`;
    return element("li", {}, element("pre", {}, one.sql),
      one.values.length > 0 ? element("p", {}, one.values.join(", ")) : null, element("p", { className: "time" }, cost));
  }

  function rule(one) {
    const parts = one.parts.map((of) => {
      const saw = of.saw.map(([name, value]) => `${name} = ${value}`).join(", ");
      return `${of.answer.padEnd(11)} ${of.text}${saw ? `    [${saw}]` : ""}`;
    });
    const text = one.text === "" ? "there is no rule, so nobody may" : one.text;
    return element("li", {}, element("p", { className: one.answer === "false" ? "refused" : "" },
      `${one.of}: ${one.answer}${one.place ? ` (${one.place})` : ""}`), element("pre", {}, [text, ...parts].join("\n")));
  }

  function whole(trace) {
    const caller = trace.caller && [trace.caller.kind, trace.caller.id, ...trace.caller.roles].filter(Boolean).join(", ");
    const facts = [["id", trace.id], ["at", trace.at], ["status", trace.status], ["outcome", trace.outcome],
      ["caller", caller], ["traceparent", trace.parent], ["took", millis(trace.micros)]];
    const entries = facts.filter(([, value]) => value !== null && value !== undefined)
      .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]);
    const numbered = (make) => (items) => element("ol", {}, ...items.map(make));
    const lines = (make) => (items) => element("ul", {}, ...items.map((item) => element("li", {}, make(item))));
    const stages = (items) => table(["stage", "began at", "took"], items.map((stage) => element("tr", {},
      element("td", {}, stage.name), element("td", { className: "time" }, millis(stage.at)),
      element("td", { className: "time" }, millis(stage.micros)))));
    return element("article", {}, element("h2", {}, trace.name), element("dl", {}, ...entries),
      part("Asked", trace.asked, lines((text) => text)),
      part("Stages", [...(trace.stages ?? [])].sort((one, other) => one.at - other.at || other.micros - one.micros), stages),
      part("Rules", trace.rules, numbered(rule)),
      part("Statements", trace.statements, numbered(statement)),
      part("Log", trace.log, lines((of) => `${millis(of.at)} ${of.level} ${of.text}`)),
      part("Commits", trace.commits, lines((of) => `${millis(of.at)} ${of.transaction}, ${of.id}`)),
      part("Queued", trace.queued, lines((of) => `${of.kind}, ${of.id}`)),
      trace.omitted > 0 ? element("p", {}, `${trace.omitted} more parts are left out.`) : null);
  }

  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (typing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (step) {
      const all = buttons();
      const at = all.findIndex((button) => button.dataset.id === chosen);
      const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
      if (next) {
        event.preventDefault();
        next.focus();
        choose(next.dataset.id);
      }
    } else if (event.key === "/") {
      event.preventDefault();
      filter.elements.path.focus();
    }
  });

  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", refresh);

  signIn.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = JSON.stringify({ ...Object.fromEntries(new FormData(signIn)), as: "operator" });
    const response = await fetch("/auth/sign-in", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!response.ok) {
      told(new Error((await response.json()).detail));
      return;
    }
    signIn.reset();
    await refresh();
  });

  refresh();
  if (location.hash.length > 1) {
    choose(location.hash.slice(1));
  }
  setInterval(() => {
    if (filter.elements.live.checked && signIn.hidden && !document.hidden) {
      refresh();
    }
  }, EVERY);
})();
