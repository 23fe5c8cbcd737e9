/* What is pressed becomes one event, `act`, with the data of what was pressed; focus and open folds stay as they were when the page changes. */
(() => {
  "use strict";
  const send = (data) => emitEvent("act", data);
  const body = document.body;
  const folds = new Map();
  let focused = null;

  const local = (what) => {
    const [name, value] = what.split(":");
    body.dataset[name] = value;
    for (const tab of document.querySelectorAll("[data-local]")) tab.setAttribute("aria-pressed", String(tab.dataset.local === what));
    window.scrollTo(0, 0);
  };
  const mind = () => {
    body.dataset.mind = body.dataset.mind === "off" ? "on" : "off";
    localStorage.setItem("holdspace-mind", body.dataset.mind);
  };
  const press = (el) => {
    if (el.disabled) return;
    if (el.dataset.act === "mind") return mind();
    const data = { ...el.dataset };
    for (const extra of ["k", "key", "focus"]) delete data[extra];
    const reason = document.getElementById("reason");
    if ((data.act === "mark" || data.act === "choose") && reason) data.reason = reason.value;
    send(data);
  };
  const values = (form) => {
    const data = { act: form.dataset.act };
    for (const [name, value] of new FormData(form)) data[name] = String(value);
    return data;
  };

  body.dataset.tab = "talk";
  body.dataset.mind = localStorage.getItem("holdspace-mind") || "on";

  document.addEventListener("click", (event) => {
    const el = event.target.closest("[data-act],[data-local]");
    if (!el || el.tagName === "FORM") return;
    if (el.dataset.local) return local(el.dataset.local);
    event.preventDefault();
    press(el);
  });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    send(values(event.target));
  });
  let waiting = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => send(values(form)), 120);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    const writes = at.matches("input:not([type=checkbox]),textarea,select");
    if (event.key === "Enter" && at.matches("textarea[data-enter]") && !event.shiftKey) {
      event.preventDefault();
      at.form.requestSubmit();
      return;
    }
    if ((event.key === "Enter" || event.key === " ") && at.matches('[role="button"][data-act]')) {
      event.preventDefault();
      return press(at);
    }
    if (at.id === "reason" && event.key === "Enter") {
      event.preventDefault();
      return at.blur();
    }
    if (writes && event.key !== "Escape") return;
    const sheet = document.querySelector(".sheet");
    const el = (sheet || document).querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!el || event.repeat) return;
    event.preventDefault();
    if (el.matches("input")) return el.focus();
    at.blur?.();
    press(el);
  });
  document.addEventListener("keydown", (event) => {
    const sheet = document.querySelector(".sheet");
    if (event.key !== "Tab" || !sheet) return;
    const all = [...sheet.querySelectorAll("button:not([disabled]),input:not([type=hidden]),select,textarea,summary,a")].filter((el) => el.offsetParent);
    const [first, last] = [all[0], all[all.length - 1]];
    const now = document.activeElement;
    if (!sheet.contains(now) || now === (event.shiftKey ? first : last)) {
      event.preventDefault();
      (event.shiftKey ? last : first)?.focus();
    }
  });

  document.addEventListener("focusin", (event) => { focused = event.target.closest("[data-k]")?.dataset.k ?? null; });
  document.addEventListener("toggle", (event) => {
    if (event.target.dataset?.k) folds.set(event.target.dataset.k, event.target.open);
  }, true);

  const settled = (root) => {
    for (const fold of root.querySelectorAll("details[data-k]")) {
      const was = folds.get(fold.dataset.k);
      if (was !== undefined && was !== fold.open) fold.open = was;
    }
    const wanted = root.querySelector("[data-focus]:not([disabled])");
    if (wanted) return wanted.focus();
    const sheet = root.querySelector(".sheet");
    if (sheet) return sheet.querySelector("button").focus();
    if (document.activeElement === body && focused) root.querySelector(`[data-k="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
  const here = () => {
    const box = document.querySelector(".timeline");
    const at = box?.querySelector(".moment.here");
    if (at) box.scrollTop += at.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 2;
  };
  const middle = () => document.querySelector(".middle");
  new MutationObserver((changes) => {
    const roots = new Set();
    for (const change of changes) if (change.addedNodes.length && change.target instanceof Element) roots.add(change.target);
    for (const root of roots) settled(root);
    if ([...roots].some((root) => root.closest(".timeline"))) here();
    const context = document.querySelector(".annotate .talk");
    if (context && roots.size) context.scrollTop = context.scrollHeight;
    const at = middle();
    if (at && at.querySelector(".p-compare")?.firstChild) {
      if ([...roots].some((root) => root.closest(".p-compare"))) at.scrollTop = 0;
    } else if (at && [...roots].some((root) => root.closest(".talk,.p-pending,.p-composer"))) at.scrollTop = at.scrollHeight;
  }).observe(body, { childList: true, subtree: true });
})();
