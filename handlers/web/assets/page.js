// What makes the pages faster to use. Without it they can be read all the same.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");

  // Keys: `/` search, `j` and `k` or the arrows move between what can be opened, `h` and `l` hide and show what belongs to it, `?` tells
  // of all; others press what names them.
  const move = (step) => {
    const stops = all("main .go").filter((stop) => stop.offsetParent !== null);
    if (!stops.length) return;
    const now = stops.indexOf(document.activeElement);
    const next = now < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(Math.max(now + step, 0), stops.length - 1);
    stops[next].focus();
    stops[next].scrollIntoView({ block: "nearest" });
  };
  const unfold = (isOpen) => {
    const part = document.activeElement.closest("main .card, main section, main li");
    const folded = part && $("details", part);
    if (!folded) return false;
    folded.open = isOpen;
    if (!isOpen && !document.activeElement.offsetParent) $("summary", folded).focus();
    return true;
  };
  const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isTyping(event.target)) return event.target.blur();
    if (isTyping(event.target) || $("dialog[open]")) return;
    const box = $("#q");
    const isArrow = event.key.startsWith("Arrow");
    if (event.key === "/" && box) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "?" && $("#help")) {
      event.preventDefault();
      $("#help").showModal();
    } else if (steps[event.key] && !(isArrow && !document.activeElement.matches("main .go"))) {
      event.preventDefault();
      move(steps[event.key]);
    } else if ((event.key === "h" || event.key === "l") && unfold(event.key === "l")) {
      event.preventDefault();
    } else if (/^[a-z]$/.test(event.key)) {
      const target = $(`[data-key="${event.key}"]`);
      if (!target) return;
      event.preventDefault();
      if (target.matches("input")) target.focus();
      else target.click();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-help]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    $("#help").showModal();
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

  // What cannot be undone is asked about first, and nothing is sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sure && !confirm(form.dataset.sure)) return event.preventDefault();
    if (form.dataset.forget !== undefined) localStorage.removeItem(PAST);
    if (form.method === "post") setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)));
    if (form.matches("form.search")) remember($("#q").value.trim());
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // The search box: how the query may go on, what is wrong with it, and what was asked before, which stays in this browser.
  const PAST = "kotadb-queries";
  const past = () => {
    try {
      return JSON.parse(localStorage.getItem(PAST) ?? "[]").filter((query) => typeof query === "string");
    } catch {
      return [];
    }
  };
  const remember = (query) => {
    if (query) localStorage.setItem(PAST, JSON.stringify([query, ...past().filter((one) => one !== query)].slice(0, 20)));
  };
  const fragment = (text) => new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
  const suggest = (box) => {
    const place = document.createElement("div");
    place.className = "suggestions";
    place.hidden = true;
    box.form.append(place);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", "suggestions"]]) box.setAttribute(name, value);
    const options = () => all('[role="option"]', place);
    const chosen = () => $('[aria-selected="true"]', place);
    const choose = (option) => {
      chosen()?.setAttribute("aria-selected", "false");
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      if (option) box.setAttribute("aria-activedescendant", option.id);
      else box.removeAttribute("aria-activedescendant");
    };
    const show = (content) => {
      place.replaceChildren(...(content ? [content] : []));
      place.hidden = !content || !place.textContent.trim();
      box.setAttribute("aria-expanded", String(options().length > 0));
      choose(null);
    };
    const earlier = () => {
      const list = document.createElement("ul");
      list.id = "suggestions";
      list.setAttribute("role", "listbox");
      list.setAttribute("aria-label", "Earlier queries");
      past().slice(0, 8).forEach((query, nth) => {
        const option = document.createElement("li");
        Object.assign(option, { id: `suggestion${nth}`, textContent: query });
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.ask = query;
        list.append(option);
      });
      show(list.childElementCount ? list : null);
    };
    const take = (option) => {
      if (option.dataset.page) return location.assign(option.dataset.page);
      box.value = option.dataset.query ?? option.dataset.ask;
      show(null);
      if (option.dataset.ask) return box.form.requestSubmit();
      ask();
    };
    let asked = 0;
    const ask = async () => {
      const now = ++asked;
      if (!box.value.trim()) return earlier();
      const address = `${box.dataset.suggest}?${new URLSearchParams({ q: box.value, caret: String([...box.value.slice(0, box.selectionStart)].length) })}`;
      const answer = await fetch(address).catch(() => null);
      if (now !== asked || document.activeElement !== box) return;
      show(answer?.ok ? fragment(await answer.text()) : null);
    };
    let waiting;
    box.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(ask, 150);
    });
    box.addEventListener("blur", () => setTimeout(() => show(null), 150));
    box.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" && place.hidden) return ask();
      if (event.key === "Escape" && !place.hidden) {
        event.stopPropagation();
        return show(null);
      }
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const list = options();
      if (step && list.length) {
        event.preventDefault();
        const at = list.indexOf(chosen()) + step;
        choose(list[at < -1 ? list.length - 1 : at]);
      } else if ((event.key === "Enter" || event.key === "Tab") && chosen()) {
        event.preventDefault();
        take(chosen());
      }
    });
    place.addEventListener("mousedown", (event) => {
      const option = event.target.closest('[role="option"]');
      event.preventDefault();
      if (option) take(option);
    });
  };
  if ($("#q[data-suggest]")) suggest($("#q"));

  // What goes on is renewed until it is over; then the page is, because more than that has changed.
  const renew = async () => {
    const part = $("[data-live]");
    if (!part) return;
    try {
      const answer = await fetch(part.dataset.live);
      if (!answer.ok || answer.redirected) return;
      const fresh = fragment(await answer.text());
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

  document.addEventListener("submit", (event) => {
    const line = event.target.closest(".to-line") && $(`#L${Number($("input[type=number]", event.target).value)}`);
    if (!line) return;
    event.preventDefault();
    location.hash = line.id;
    $("a", line).focus();
  });

  // What a name in a file means is shown beside it when the pointer rests on it, and asked for once.
  const known = new Map();
  const meaning = async (source, word) => {
    if (!known.has(word)) {
      const address = new URL(source.dataset.hover, location.href);
      address.searchParams.set("symbol", word);
      known.set(word, fetch(address).then((answer) => (answer.ok ? answer.text() : ""), () => ""));
    }
    return fragment(await known.get(word));
  };
  const card = document.createElement("div");
  card.id = "card";
  card.hidden = true;
  let resting;
  const rest = (event) => {
    // Words of the language, comments, strings and numbers name nothing.
    const source = event.target.matches?.(".hk, .hc, .hs, .hn") ? null : event.target.closest?.(".source code")?.closest(".source");
    if (event.target.closest?.("#card")) return clearTimeout(resting);
    clearTimeout(resting);
    resting = setTimeout(async () => {
      const word = source ? wordAt(event.clientX, event.clientY) : "";
      if (!word) return (card.hidden = true);
      if (card.dataset.word === word && !card.hidden) return;
      const shown = await meaning(source, word);
      if (!shown) return (card.hidden = true);
      card.replaceChildren(shown);
      card.dataset.word = word;
      card.hidden = false;
      const [width, height] = [card.offsetWidth, card.offsetHeight];
      const below = event.clientY + 16 + height < innerHeight;
      // The policy refuses styles in attributes that are sent; what a script sets is none of them.
      card.style.left = `${Math.max(8, Math.min(event.clientX, innerWidth - width - 8))}px`;
      card.style.top = `${below ? event.clientY + 16 : Math.max(8, event.clientY - height - 12)}px`;
    }, card.hidden ? 350 : 250);
  };
  if ($(".source[data-hover]")) {
    document.body.append(card);
    document.addEventListener("mousemove", rest);
    addEventListener("scroll", () => (card.hidden = true), { passive: true });
    document.addEventListener("keydown", (event) => event.key === "Escape" && (card.hidden = true));
  }

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
