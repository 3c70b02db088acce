"use strict";

// Signs in with the session cookie of this origin, with which the viewer's requests are then sent.
(() => {
  const [signIn, signOut, caller, problem] =
    ["sign-in", "sign-out", "caller", "problem"].map((id) => document.getElementById(id));

  async function ask(method, path, body) {
    const headers = body ? { "Content-Type": "application/json" } : {};
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : null;
    if (!response.ok) {
      throw new Error(answer?.detail ?? `the server answered ${response.status}`);
    }
    return answer;
  }

  function show(me) {
    signIn.hidden = me !== null;
    signOut.hidden = me === null;
    const account = me?.account ?? me;
    caller.textContent = me === null ? "" : `Signed in as ${account.email ?? account.name ?? account.id}`;
  }

  function submit(form, act) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        await act();
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
      }
    });
  }

  submit(signIn, async () => {
    await ask("POST", "/auth/sign-in", Object.fromEntries(new FormData(signIn)));
    signIn.reset();
    show(await ask("GET", "/auth/me"));
  });

  submit(signOut, async () => {
    await ask("POST", "/auth/sign-out");
    show(null);
  });

  if (document.body.dataset.signedIn === "true") {
    ask("GET", "/auth/me").then(show, () => show(null));
  } else {
    show(null);
  }

  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#viewer",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "none",
    filter: true,
    validatorUrl: null,
  });
})();
