"use strict";
// The token comes behind the # of the address that is told once, and stays in this tab. Without this
// file it is typed into each form.
(() => {
  const KEY = "autopack-token";
  const told = /^#token=([\w-]+)$/.exec(location.hash);
  if (told) {
    sessionStorage.setItem(KEY, told[1]);
    history.replaceState(null, "", location.pathname + location.search);
  }

  function fill() {
    const token = sessionStorage.getItem(KEY);
    const actor = sessionStorage.getItem("autopack-actor");
    for (const form of document.querySelectorAll("details.act form")) {
      if (token) {
        form.elements.token.value = token;
        form.querySelector("label.token").hidden = true;
      }
      if (actor && !form.elements.actor.value) form.elements.actor.value = actor;
    }
  }

  document.addEventListener("submit", (event) => {
    const actor = event.target.elements.actor;
    if (actor) sessionStorage.setItem("autopack-actor", actor.value);
  });
  // News do not take a form away from under somebody's hands.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const isNews = event.detail.requestConfig.elt.id === "content";
    if (isNews && document.querySelector("details.act[open]")) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", fill);
  fill();
})();
