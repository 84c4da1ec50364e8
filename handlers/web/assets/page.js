// What makes the pages faster to use. Without it they can be read all the same.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");

  // Keys: `/` search, `j` and `k` move between what can be opened, others press what names them.
  const move = (step) => {
    const stops = all("main .go").filter((stop) => stop.offsetParent !== null);
    if (!stops.length) return;
    const now = stops.indexOf(document.activeElement);
    const next = now < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(Math.max(now + step, 0), stops.length - 1);
    stops[next].focus();
    stops[next].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isTyping(event.target)) return event.target.blur();
    if (isTyping(event.target)) return;
    const box = $("#q");
    if (event.key === "/" && box) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      move(event.key === "j" ? 1 : -1);
    } else if (/^[a-z]$/.test(event.key)) {
      const target = $(`[data-key="${event.key}"]`);
      if (!target) return;
      event.preventDefault();
      if (target.matches("input")) target.focus();
      else target.click();
    }
  });

  // The permalink changes the address and nothing else.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-permalink]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const address = new URL(link.href);
    address.hash = location.hash;
    history.replaceState(null, "", address);
    tell("The address is that of this commit now.");
  });

  const tell = (text) => {
    let place = $("#told");
    if (!place) {
      place = document.createElement("p");
      place.id = "told";
      place.setAttribute("role", "status");
      document.body.append(place);
    }
    place.textContent = text;
    clearTimeout(tell.timer);
    tell.timer = setTimeout(() => (place.textContent = ""), 4000);
  };

  // Copying.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const text = button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent;
    try {
      await navigator.clipboard.writeText(text);
      tell("Copied.");
    } catch {
      tell("The browser did not let it be copied.");
    }
  });
  document.documentElement.classList.add("js");

  // Forms that change something go to the API, which answers with what is wrong, too.
  const value = (field) => {
    if (field.type === "checkbox") return field.checked;
    if (field.dataset.list !== undefined) return field.value.split(/[\s,]+/).filter(Boolean);
    return field.dataset.number === undefined ? field.value : Number(field.value);
  };
  const body = (form) => {
    const fields = {};
    for (const field of form.elements) {
      if (!field.name || field.value === "") continue;
      if (field.dataset.many === undefined) fields[field.name] = value(field);
      else if (field.checked) (fields[field.name] ??= []).push(field.value);
    }
    return fields;
  };
  const refuse = (form, text) => {
    let place = $(".alarm", form);
    if (!place) {
      place = document.createElement("p");
      place.className = "alarm";
      place.setAttribute("role", "alert");
      form.append(place);
    }
    place.textContent = text;
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-api]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.sure && !confirm(form.dataset.sure)) return;
    const [method, path] = form.dataset.api.split(" ");
    const headers = { "kotadb-form": $('meta[name="form-token"]')?.content ?? "" };
    const options = { method, headers };
    if (form.dataset.body !== undefined || form.elements.length > 1) {
      headers["content-type"] = "application/json";
      options.body = JSON.stringify(body(form));
    }
    const button = $("button", form);
    button.disabled = true;
    try {
      const answer = await fetch(path, options);
      const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
      if (!answer.ok) return refuse(form, told.detail ?? `The server answered ${answer.status}.`);
      if (form.dataset.show) return show(form, told);
      const then = form.dataset.then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(told[name] ?? ""));
      if (then) location.assign(then);
      else location.reload();
    } catch {
      refuse(form, "The server did not answer: try again.");
    } finally {
      button.disabled = false;
    }
  });
  // What is shown this once: a key.
  const show = (form, told) => {
    const place = $(form.dataset.show);
    place.hidden = false;
    $("output", place).textContent = told.key ?? "";
    form.hidden = true;
    place.focus();
  };

  // What goes on is renewed until it is over; then the page is, because more than that has changed.
  const renew = async () => {
    const part = $("[data-live]");
    if (!part) return;
    try {
      const answer = await fetch(part.dataset.live);
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
      part.replaceWith(fresh);
      if (fresh.dataset.live === undefined) return location.reload();
    } catch {
      // The next time.
    }
    setTimeout(renew, 1500);
  };
  if ($("[data-live]")) setTimeout(renew, 700);

  // Lines: `#L3` and `#L3-L9` are marked; with shift the second end is chosen.
  const chosen = () => /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash);
  const paint = () => {
    all(".chosen").forEach((line) => line.classList.remove("chosen"));
    const found = chosen();
    if (!found) return;
    const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
    for (let n = Math.min(from, to); n <= Math.max(from, to); n++) $(`#L${n}`)?.classList.add("chosen");
    $(`#L${Math.min(from, to)}`)?.scrollIntoView({ block: "center" });
  };
  document.addEventListener("click", (event) => {
    const number = event.target.closest(".source .n");
    const found = chosen();
    if (!number || !event.shiftKey || !found) return;
    event.preventDefault();
    const [a, b] = [Number(found[1]), Number(number.textContent)].sort((x, y) => x - y);
    history.replaceState(null, "", `#L${a}-L${b}`);
    paint();
  });
  addEventListener("hashchange", paint);
  if ($(".source")) paint();

  // A name in a file leads to its symbol.
  document.addEventListener("click", (event) => {
    const source = event.target.closest(".source code")?.closest(".source");
    if (!source || !source.dataset.symbols || String(getSelection())) return;
    const word = wordAt(event.clientX, event.clientY);
    if (!word) return;
    const address = new URL(source.dataset.symbols, location.href);
    address.searchParams.set("symbol", word);
    location.assign(address);
  });
  const wordAt = (x, y) => {
    const place = document.caretPositionFromPoint?.(x, y);
    const range = place ? null : document.caretRangeFromPoint?.(x, y);
    const [node, at] = place ? [place.offsetNode, place.offset] : [range?.startContainer, range?.startOffset];
    if (node?.nodeType !== Node.TEXT_NODE) return "";
    const before = /[\p{L}\p{N}_$]*$/u.exec(node.data.slice(0, at))[0];
    const after = /^[\p{L}\p{N}_$]*/u.exec(node.data.slice(at))[0];
    const word = before + after;
    return /^[\p{L}_$]/u.test(word) ? word : "";
  };
})();
