// Says when the page has stopped being up to date, and leaves alone what somebody is reading or typing.
"use strict";
(() => {
  const lost = document.getElementById("lost");
  const show = (yes) => { lost.hidden = !yes; document.body.classList.toggle("stale", yes); };
  document.body.addEventListener("htmx:sendError", () => show(true));
  document.body.addEventListener("htmx:responseError", () => show(true));
  document.body.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status === 200) { show(false); }
  });
  // A page in the background does not ask; a text that is being marked is not changed under the mouse.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const marked = window.getSelection();
    const reading = marked !== null && !marked.isCollapsed && event.target.contains(marked.anchorNode);
    if (document.hidden || reading) { event.preventDefault(); }
  });
  // What somebody has unfolded stays so when the server's fresh copy comes in folded.
  document.addEventListener("toggle", (event) => {
    event.target.toggleAttribute("data-unfolded", event.target.open);
  }, true);
  if (window.Idiomorph) {
    window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
      !(node.tagName === "DETAILS" && (name === "open" || name === "data-unfolded"));
  }
})();
