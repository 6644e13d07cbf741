"use strict";
// The slider through time: a step, a drag or play asks for the page as of another position. Without
// this file the form below it does the same, one press of a button at a time.
(() => {
  const PLAY_MS = 700;
  const STEPS = 60;
  let timer = null;

  const slider = () => document.getElementById("slider");
  const button = () => document.querySelector("[data-play]");

  function ask() {
    const one = slider();
    one.removeAttribute("name"); // the field says it: an address has one position
    one.form.elements.at.value = one.value === one.max ? "" : one.value;
    one.form.dispatchEvent(new Event("slid"));
  }

  function move(by) {
    const one = slider();
    const to = Math.min(Math.max(Number(one.value) + by, 0), Number(one.max));
    if (to === Number(one.value)) return false;
    one.value = to;
    ask();
    return true;
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    button().setAttribute("aria-pressed", "false");
    button().textContent = "Play";
  }

  function play() {
    const one = slider();
    const step = Math.max(1, Math.round(Number(one.max) / STEPS));
    if (Number(one.value) >= Number(one.max)) one.value = 0;
    button().setAttribute("aria-pressed", "true");
    button().textContent = "Stop";
    ask();
    timer = setInterval(() => { if (!move(step)) stop(); }, PLAY_MS);
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-step], [data-play]");
    if (!pressed) return;
    if (pressed.hasAttribute("data-play")) timer === null ? play() : stop();
    else { if (timer !== null) stop(); move(Number(pressed.dataset.step)); }
  });

  let waiting = null;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "slider") return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });

  // What a reader has opened stays open when the page is told anew, and news reach the slider.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("details[open][id]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    const where = document.getElementById("where");
    const one = slider();
    if (!one || !where) return;
    one.max = where.dataset.head;
    if (timer === null && document.activeElement !== one) one.value = where.dataset.position;
  });
})();
