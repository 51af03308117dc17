// What a reader's taps, clicks and keys do in this book, beyond the theme. Plain scripts and no requests: every page
// works from a disk. The search page has its own, search.js.

const wide = window.matchMedia("(min-width: 960px)"); // where the theme shows the menu beside the page
const tap = window.matchMedia("(hover: none)");

const whenReady = (run) =>
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", run) : run();

// By now the theme listens to its button, and the listener that stood in for it (tools/sphinx_weight.py) may go.
document.removeEventListener("click", window.changeThemeEarly);

// The menu. On a wide screen its button folds the sidebar away. The theme and the theme below it disagree about how
// wide that is, so this listener comes before both. On a narrow one they show a dialog; it gets a name and a way out.

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest(".primary-toggle");
    if (!button || !wide.matches) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const hidden = document.getElementById("pst-primary-sidebar").classList.toggle("pst-sidebar-hidden");
    button.setAttribute("aria-expanded", !hidden);
  },
  true,
);

function nameDialogs() {
  document.querySelector("nav.bd-docs-nav a.current")?.setAttribute("aria-current", "page");
  for (const [side, name] of [["primary", "Menu"], ["secondary", "On this page"]]) {
    const sidebar = document.getElementById(`pst-${side}-sidebar`);
    const dialog = document.getElementById(`pst-${side}-sidebar-modal`);
    const button = document.querySelector(`.${side}-toggle`);
    if (!sidebar || !dialog || !button) continue;
    dialog.setAttribute("aria-label", name);
    const close = document.createElement("button");
    close.className = "close-dialog btn";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    sidebar.prepend(close);
    dialog.addEventListener("click", (event) => {
      if (event.target.closest("a[href^='#']")) dialog.close("followed"); // what it leads to is on this page
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "followed") setTimeout(() => button.focus({ preventScroll: true }));
      dialog.returnValue = "";
    });
    const current = sidebar.querySelector("nav.bd-docs-nav a[aria-current]");
    const tell = () => {
      if (dialog.open) current?.scrollIntoView({ block: "center", behavior: "instant" }); // where one is
      const shown = side === "primary" && wide.matches && !sidebar.classList.contains("pst-sidebar-hidden");
      button.setAttribute("aria-expanded", shown || dialog.open);
    };
    new MutationObserver(tell).observe(dialog, { attributes: true, attributeFilter: ["open"] });
    wide.addEventListener("change", () => {
      if (dialog.open) dialog.close();
      tell();
    });
    tell();
  }
}

// A scroll that a finger begins on a slider leaves it as it was. A browser moves the slider to where the finger
// comes down: who uses it hears of that once the finger has gone sideways or is lifted, and never if the page
// scrolls.

let finger = null; // its slider, where that was and is to be, and where the finger came down

function heed() {
  const { slider, wanted } = finger;
  finger = null;
  if (wanted === null) return;
  slider.value = wanted; // a figure that runs may have put it back
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}

const FINGER = {
  pointerdown({ target, isPrimary, pointerId, pointerType, clientX, clientY }) {
    if (pointerType !== "touch" || !isPrimary || !target.matches("input[type=range]")) return;
    finger = { slider: target, before: target.value, wanted: null, id: pointerId, x: clientX, y: clientY };
  },
  input(event) {
    if (event.target !== finger?.slider) return;
    finger.wanted = finger.slider.value;
    event.stopImmediatePropagation();
  },
  pointermove({ pointerId, clientX, clientY }) {
    if (pointerId !== finger?.id) return;
    if (Math.abs(clientX - finger.x) > Math.max(8, Math.abs(clientY - finger.y))) heed();
  },
  pointerup({ pointerId }) {
    if (pointerId === finger?.id) heed();
  },
  pointercancel({ pointerId }) {
    if (pointerId !== finger?.id) return;
    if (finger.slider.value === finger.wanted) finger.slider.value = finger.before;
    finger = null;
  },
};
for (const [type, listen] of Object.entries(FINGER)) document.addEventListener(type, listen, true);

// A link to something that is folded in unfolds it.

function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let fold = target?.closest("details");
  if (!fold) return;
  for (; fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target.scrollIntoView();
}

// "Contents" marks the section that is read. The theme does so where a heading passes by, but not after a jump into
// the middle of a section; so where scrolling has come to rest, it is looked up.

function followSections() {
  const panel = document.querySelector(".bd-sidebar-secondary");
  const links = [...document.querySelectorAll("#pst-page-toc-nav a")];
  const parts = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  if (!panel || !parts.length) return;
  const look = () => {
    const read = parts.findLastIndex((part) => part?.getBoundingClientRect().top < innerHeight * 0.3);
    links.forEach((link, i) => {
      link.classList.toggle("active", i === read);
      if (i === read) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    for (const entry of document.querySelectorAll("#pst-page-toc-nav .toc-entry"))
      entry.classList.toggle("active", entry.contains(links[read] ?? null));
    if (read < 0) return;
    const box = panel.getBoundingClientRect();
    const line = links[read].getBoundingClientRect();
    if (line.top < box.top + 8) panel.scrollTop -= box.top + 8 - line.top;
    else if (line.bottom > box.bottom - 8) panel.scrollTop += line.bottom - box.bottom + 8;
  };
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 120); // after the theme
  };
  for (const event of ["scroll", "hashchange", "resize"]) window.addEventListener(event, soon, { passive: true });
  soon();
}

// The skip link leads past the buttons above the page too, and a copy is announced.

function helpReaders() {
  const article = document.querySelector(".bd-article, .bd-search-container");
  document.querySelector("#pst-skip-link a, a#pst-skip-link")?.addEventListener("click", () => {
    article.tabIndex = -1;
    setTimeout(() => article.focus({ preventScroll: true }));
  });
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("aria-live", "polite");
  document.body.append(status);
  const announce = (event) => {
    if (!event.target.closest("button.copybtn")) return;
    status.textContent = "";
    setTimeout(() => (status.textContent = "Copied"), 100); // what is said again is said
  };
  document.addEventListener("click", announce, true); // the button keeps its click to itself
}

// What a button is called goes once it is pressed: it would hang over the page that is then full screen.

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-bs-toggle=tooltip]");
  if (!button) return;
  setTimeout(() => {
    button.dispatchEvent(new MouseEvent("mouseout", { bubbles: true }));
    button.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
  });
});

// A slash searches, as in many books.

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input:not([type=range]), textarea, select, dialog[open]")) return;
  event.preventDefault();
  const field = document.querySelector(".bd-search-container input[name=q]"); // of the search page
  if (field) field.focus();
  else document.querySelector(".search-button__button")?.click();
});

// A word of the glossary shows its definition: where the mouse is, where the keyboard is, and at the first tap.

function showDefinitions() {
  let shown = null;
  let leaving = 0;

  function show(link) {
    clearTimeout(leaving);
    if (shown?.link === link) return;
    hide();
    const box = document.getElementById(link.getAttribute("aria-describedby"));
    document.body.append(box); // nothing around it cuts it off
    box.hidden = false;
    const word = link.getClientRects()[0];
    const room = document.documentElement.clientWidth - box.offsetWidth - 8;
    box.style.left = `${Math.max(8, Math.min(word.left, room)) + scrollX}px`;
    const above = word.top - box.offsetHeight - 6;
    const below = word.bottom + 6 + box.offsetHeight > innerHeight && above > 0;
    box.style.top = `${(below ? above : word.bottom + 6) + scrollY}px`;
    shown = { link, box };
  }

  function hide() {
    clearTimeout(leaving);
    if (shown) shown.box.hidden = true;
    shown = null;
  }

  const hideSoon = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 300); // time enough to move onto the definition
  };

  for (const link of document.querySelectorAll("a.term")) {
    const box = document.getElementById(`definition-of-${decodeURIComponent(link.hash.slice(1))}`);
    if (!box) continue;
    link.setAttribute("aria-describedby", box.id);
    link.addEventListener("mouseenter", () => show(link));
    link.addEventListener("mouseleave", hideSoon);
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", hideSoon);
    link.addEventListener("pointerdown", (event) => {
      link.shownBefore = shown?.link === link;
      link.touched = event.pointerType === "touch" || tap.matches;
    });
    link.addEventListener("click", (event) => {
      if (link.touched && !link.shownBefore) {
        event.preventDefault(); // the first tap shows, the second follows
        show(link);
      }
      link.touched = false;
    });
    box.addEventListener("mouseenter", () => clearTimeout(leaving));
    box.addEventListener("mouseleave", hideSoon);
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("pointerdown", (event) => {
    if (shown && !event.target.closest("a.term, .definition")) hide();
  });
}

// An equation wider than the screen: its number moves above it, then it shrinks a little, and then it scrolls,
// which it says.

const SMALLEST = 0.72; // of its own size; below, indices cannot be read

function fitEquations() {
  for (const block of document.querySelectorAll("div.math")) {
    const formula = block.querySelector(":scope > .formula");
    if (!formula || !block.clientWidth) continue;
    block.classList.remove("wide", "scrolls");
    formula.style.fontSize = "";
    formula.removeAttribute("tabindex");
    const over = () => formula.scrollWidth / formula.clientWidth;
    if (over() <= 1.005) continue;
    block.classList.add("wide");
    if (over() > 1.005) {
      const size = parseFloat(getComputedStyle(formula).fontSize);
      formula.style.fontSize = `${size * Math.max(SMALLEST, 0.99 / over())}px`;
    }
    if (over() > 1.005) {
      block.classList.add("scrolls");
      formula.tabIndex = 0;
      formula.onscroll = () =>
        block.classList.toggle("at-end", formula.scrollLeft + formula.clientWidth > formula.scrollWidth - 4);
      formula.onscroll();
    }
  }
}

// A table wider than the screen fades where it goes on, and the keyboard can scroll it.

const SCROLLING = ".pst-scrollable-table-container, .cell_output .text_html";

function fadeWhatScrolls() {
  for (const box of document.querySelectorAll(SCROLLING)) {
    const fade = () => {
      box.classList.toggle("more-right", box.scrollLeft + box.clientWidth < box.scrollWidth - 4);
      box.classList.toggle("more-left", box.scrollLeft > 4);
    };
    box.onscroll = fade;
    fade();
    if (box.scrollWidth > box.clientWidth + 4) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      const name = box.querySelector("table")?.getAttribute("aria-label");
      box.setAttribute("aria-label", `Table that scrolls: ${name}`);
    } else {
      box.removeAttribute("tabindex");
      box.removeAttribute("role");
      box.removeAttribute("aria-label");
    }
  }
}

function keepFitting() {
  const fit = () => {
    fitEquations();
    fadeWhatScrolls();
  };
  document.fonts.ready.then(fit);
  let width = innerWidth;
  window.addEventListener("resize", () => {
    if (innerWidth !== width) fit();
    width = innerWidth;
  });
  document.addEventListener("toggle", fit, true); // what was folded in had no width
}

// A button keeps the focus of the keyboard, whatever the theme's scripts and the one that copies do with it: they let
// it go, and the next Tab would begin at the top of the page.

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("button");
    if (!button || event.detail) return; // a tap or a click of the mouse counts itself; a key does not
    const keep = () => document.activeElement === document.body && button.focus({ preventScroll: true });
    setTimeout(keep);
    const dialog = document.getElementById("pst-search-dialog");
    if (button.matches(".search-button, .search-button-field")) dialog.addEventListener("close", () => setTimeout(keep), { once: true });
  },
  true,
);

// Full screen is offered where the browser has it: a phone may not.

function offerFullScreen() {
  if (document.fullscreenEnabled) return;
  for (const button of document.querySelectorAll(".btn-fullscreen-button")) button.hidden = true;
}

// On a phone the field says what fits it; its keyboard has a key that searches.

function fitSearchField() {
  const field = document.querySelector("#pst-search-dialog input");
  const phone = window.matchMedia("(max-width: 600px)");
  const whole = field.placeholder;
  const fit = () => (field.placeholder = phone.matches ? whole.split(",")[0] : whole);
  phone.addEventListener("change", fit);
  fit();
}

// As long as nobody has set the repository's address, what leads there leads nowhere: it says so, and what a reader
// can do instead.

const UNSET = "a:is([href*='github.com/OWNER/'], [href*='/github/OWNER/'])";

function explainUnset() {
  const dialog = document.createElement("dialog");
  dialog.className = "unset";
  dialog.setAttribute("aria-label", "No repository yet");
  const notebook = document.querySelector("a.btn-download-source-button[href*='.ipynb']");
  const instead = notebook
    ? "download this chapter's notebook, and open it in Jupyter or upload it to Colab"
    : "the chapters' notebooks can be downloaded, each above its page";
  dialog.innerHTML = `<p>This copy of the book is not on the web yet, so this link leads nowhere; what works instead:
    ${instead}. Who publishes the book sets its address once:
    <code>make set-repository URL=https://github.com/USER/NAME</code></p>
    <form method="dialog"><button class="btn">Close</button></form>`;
  if (notebook) {
    const fetch = document.createElement("button");
    fetch.className = "btn";
    fetch.textContent = "Download the notebook";
    fetch.addEventListener("click", () => notebook.click());
    dialog.querySelector("form").prepend(fetch);
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest(UNSET)) return;
    event.preventDefault();
    document.body.append(dialog);
    dialog.showModal();
  });
}

// The theme's button says which theme is on; an icon says nothing beside words.

function nameControls() {
  const root = document.documentElement;
  for (const icon of document.querySelectorAll("i[class*='fa-'], span[class*='fa-']")) icon.ariaHidden = true;
  for (const button of document.querySelectorAll(".theme-switch-button")) {
    button.dataset.bsTitle = "Colour theme";
    const tell = () => button.setAttribute("aria-label", `Theme: ${root.dataset.mode || "auto"}`);
    new MutationObserver(tell).observe(root, { attributes: true, attributeFilter: ["data-mode"] });
    tell();
  }
}

// Paper is white: a page prints in the light theme. What is folded is not printed, what is open is; and what was
// folded only for the reader to predict it.

const paper = window.matchMedia("print");

function printLight(printing) {
  const root = document.documentElement;
  if (printing && root.dataset.theme === "dark") {
    root.dataset.screenTheme = "dark";
    root.dataset.theme = "light";
  } else if (!printing && root.dataset.screenTheme) {
    root.dataset.theme = root.dataset.screenTheme;
    delete root.dataset.screenTheme;
  }
}

function printOutcomes(printing) {
  for (const fold of document.querySelectorAll("details.outcome, details.answer")) {
    if (printing && !fold.open) fold.dataset.closed = "";
    if ("closed" in fold.dataset) fold.open = printing;
    if (!printing) delete fold.dataset.closed;
  }
}

function layOutForPaper(printing) {
  printLight(printing);
  printOutcomes(printing);
}

window.addEventListener("beforeprint", () => layOutForPaper(true));
window.addEventListener("afterprint", () => layOutForPaper(false));
paper.addEventListener("change", () => layOutForPaper(paper.matches));

// The download button downloads. From a disk a browser would open the file instead, and lets a script read it
// only as another script: the build writes one beside each.

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function makeDownloads() {
  for (const link of document.querySelectorAll("a.btn-download-source-button")) {
    link.removeAttribute("target");
    link.download = "";
    link.addEventListener("click", (event) => {
      if (location.protocol !== "file:") return;
      event.preventDefault();
      const script = document.createElement("script");
      script.src = `${link.href}.js`;
      document.head.append(script);
    });
  }
}

whenReady(() => {
  nameDialogs();
  nameControls();
  helpReaders();
  followSections();
  showDefinitions();
  makeDownloads();
  fitSearchField();
  offerFullScreen();
  explainUnset();
  unfold();
  window.addEventListener("hashchange", unfold);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) unfold(); // no hashchange then
  });
});
window.addEventListener("load", keepFitting);
