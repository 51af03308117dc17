// What the live figures of the chapters share: panels and axes as the still figures have them, sliders, handles that are
// dragged, words for who listens, and settling that is watched. A classic script: it works from a disk. Each figure is a
// file of its own beside this one, and says `bpcFigures.add(name, build)`; tools/sphinx_live.py puts both into the page.

const bpcFigures = (() => {
  "use strict";

  const less = window.matchMedia("(prefers-reduced-motion: reduce)"); // then the end is shown, and not the way
  const FRAME = 110; // milliseconds that a step is seen for
  const QUIET = 500; // milliseconds without a change before a screen reader hears what came of it

  // Drawing: elements of SVG, which take the page's colours and fonts by themselves.

  function draw(parent, tag, attributes = {}, words = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (words) write(element, words);
    parent.append(element);
    return element;
  }

  // Words with symbols: "guess *z*_1" has an italic z with a lowered 1.
  function write(element, words) {
    let lowered = false;
    for (const part of words.split(/(\*[^*]+\*|_\w+)/).filter(Boolean)) {
      const span = document.createElementNS(element.namespaceURI, "tspan");
      const index = part[0] === "_";
      if (lowered !== index) span.setAttribute("dy", index ? 3 : -3);
      lowered = index;
      if (index) span.setAttribute("style", "font-size: 10px");
      if (part[0] === "*") span.setAttribute("class", "lf-symbol");
      span.textContent = part.replace(/^[*_]|\*$/g, "");
      element.append(span);
    }
  }

  const number = (x, digits = 2) => {
    const text = Math.abs(x) >= 1e5 ? x.toExponential(1).replace("+", "") : x.toFixed(digits);
    return (+text === 0 ? text.replace("-", "") : text).replace("-", "−");
  };
  // Powers of ten along an axis, all written in the same way, as in the network in the page.
  const raised = (n) => (n === 0 ? "1" : n === 1 ? "10" : `10${n < 0 ? "⁻" : ""}${[...String(Math.abs(n))].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`);
  const powersOfTen = (powers) => {
    const plain = Math.min(...powers) > -4 && Math.max(...powers) < 5;
    return powers.map((n) => (plain ? (10 ** n).toFixed(Math.max(0, -n)) : raised(n)));
  };
  // A number that no picture has room for, and that nobody reads, is a word.
  const wild = (x) => !(Math.abs(x) < 1e5);
  const amount = (x, digits = 2, unit = "") => (wild(x) ? "off the scale" : number(x, digits) + unit);
  const between = (x, low, high) => Math.max(low, Math.min(high, x));
  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
  const colour = (name) => (name === "ink" ? "currentColor" : `var(--bpc-${name}, ${LIGHT[name]})`);
  const LIGHT = { blue: "#005fa3", red: "#c25100", green: "#00805b", purple: "#b04f8c", ochre: "#5c4a00", sky: "#3590c8" };
  const ink = (name, more = "") => `fill: ${colour(name)}; ${more}`;
  const pen = (name, wide = 1.8, more = "") => `fill: none; stroke: ${colour(name)}; stroke-width: ${wide}; ${more}`;
  const FAINT = "opacity: 0.65"; // what is beside the data, in ink
  const AHEAD = "opacity: 0.8"; // the way that is not gone yet

  // The next panel of those that the page has room for: `drawn` is drawn anew at each change, `handles` stay, as a
  // finger may hold one.
  function panel(root, letter) {
    const svg = [...root.querySelectorAll(".bpc-panels > svg")].find((one) => !one.drawn);
    svg.drawn = draw(svg, "g");
    svg.handles = draw(svg, "g");
    svg.letter = letter;
    return svg;
  }

  function text(parent, x, y, words, { name = "ink", anchor = "middle", more = "" } = {}) {
    const style = `font-size: 13px; text-anchor: ${anchor}; ${ink(name)}; ${more}`;
    return draw(parent, "text", { x, y, style }, words);
  }

  const tickName = (value) => String(value).replace("-", "−"); // a minus, as in all numbers of the figures

  // Axes, left and below as everywhere in the book; gives what turns numbers into places.
  function axes(svg, { box, x, y, title, xlabel, ylabel, xticks, yticks, xnames = xticks.map(tickName), ynames }) {
    const [left, top, right, bottom] = box;
    const X = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (right - left);
    const Y = (value) => bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - top);
    const g = svg.drawn;
    if (svg.letter) text(g, left, 13, svg.letter, { anchor: "start", more: "font-weight: 700" });
    if (title) text(g, (left + right) / 2 + 6, 13, title);
    draw(g, "path", { d: path([[left, top], [left, bottom], [right, bottom]]), style: pen("ink", 0.8) });
    xticks.forEach((tick, i) => {
      draw(g, "path", { d: path([[X(tick), bottom], [X(tick), bottom + 3.5]]), style: pen("ink", 0.8) });
      text(g, X(tick), bottom + 17, xnames[i]);
    });
    (yticks ?? []).forEach((tick, i) => {
      draw(g, "path", { d: path([[left, Y(tick)], [left - 3.5, Y(tick)]]), style: pen("ink", 0.8) });
      text(g, left - 6, Y(tick) + 4.5, (ynames ?? yticks.map(tickName))[i], { anchor: "end" });
    });
    if (xlabel) text(g, (left + right) / 2, bottom + 34, xlabel);
    if (ylabel) {
      const middle = (top + bottom) / 2;
      draw(g, "text", { transform: `translate(11 ${middle}) rotate(-90)`, style: `font-size: 13px; text-anchor: middle; ${ink("ink")}` }, ylabel);
    }
    return { X, Y, box };
  }

  // A thing that is dragged: `moved` gets the place, in the panel's own units, of a pointer that holds it; `let_go` is
  // called when it lets go. Each has a slider too, for the keyboard. Around it is room for a finger.
  function handle(svg, { moved, let_go = () => {} }) {
    const g = draw(svg.handles, "g", { class: "lf-handle" });
    draw(g, "circle", { r: 22, style: "fill: none; pointer-events: all" });
    let held = null;
    const place = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return [at.x, at.y];
    };
    // The page does not scroll under a finger that holds it (of parts of an SVG Chromium takes no `touch-action`).
    g.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    g.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || held !== null) return;
      event.preventDefault();
      held = event.pointerId;
      g.setPointerCapture(held);
      g.classList.add("lf-held");
    });
    g.addEventListener("pointermove", (event) => event.pointerId === held && moved(...place(event)));
    for (const end of ["pointerup", "pointercancel"]) {
      g.addEventListener(end, (event) => {
        if (event.pointerId !== held) return;
        held = null;
        g.classList.remove("lf-held");
        if (end === "pointerup") moved(...place(event)); // moves come once a frame, and the last may be missing
        let_go();
      });
    }
    g.at = (x, y) => g.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    return g;
  }

  // Units in words, for who listens: a screen reader says "/km²" in no way that is known.
  const SPOKEN = { km: "kilometres", "km²": "square kilometres", "/km²": "per square kilometre" };

  // Controls: what the page has as <input name=... data-digits=... data-unit=...> shows and sets `state`.
  function sliders(root, state, changed) {
    const all = [...root.querySelectorAll("input[type=range]")];
    const units = (input) => (input.dataset.unit ? ` ${input.dataset.unit}` : "");
    const said = (input) => {
      const names = input.dataset.names?.split("|"); // what each of its places is called
      return names ? names[+input.value - +input.min] : number(state[input.name], +input.dataset.digits || 0) + units(input);
    };
    const show = () => {
      for (const input of all) {
        input.value = state[input.name];
        const words = said(input);
        input.setAttribute("aria-valuetext", words.replace(/ (\/?km²?)$/, (_, unit) => ` ${SPOKEN[unit]}`));
        input.parentElement.querySelector("output").value = words;
      }
    };
    for (const input of all) {
      input.addEventListener("input", () => {
        state[input.name] = +input.value;
        changed(input.name, false);
      });
      input.addEventListener("change", () => changed(input.name, true));
    }
    return show;
  }

  // What the figure says: at once for who sees, and once all is quiet for who listens.
  function says(root) {
    const seen = root.querySelector(".lf-says");
    // A button that does nothing now says why, where it is tapped.
    root.addEventListener("click", (event) => {
      const off = event.target.closest("button[aria-disabled=true]");
      if (!off) return;
      event.stopPropagation();
      if (!seen.textContent.startsWith(off.title)) seen.textContent = `${off.title} ${seen.textContent}`;
      tell(off.title);
    }, true);
    const heard = document.createElement("p");
    heard.className = "lf-status";
    heard.setAttribute("role", "status");
    root.append(heard);
    let waiting = 0;
    let before = 0; // waits too, to tell before a run what comes of it
    let foretold = null;
    const tell = (words) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => (heard.textContent = words), QUIET);
    };
    const say = (words, quietly = false) => {
      if (seen.textContent !== words) seen.textContent = words;
      clearTimeout(waiting);
      if (!quietly && words !== foretold) tell(words); // once is enough
    };
    // Who listens does not wait until all of a run was shown: it is said what comes of it, where that is known, or that it runs.
    const foretell = (words) => {
      clearTimeout(before);
      foretold = words;
      if (words !== null) before = setTimeout(() => (heard.textContent = words), QUIET);
    };
    return Object.assign(say, { tell, foretell }); // `say.tell` is for who listens alone
  }

  // Go on, a step a frame, until `step` says that it is at its end; where less motion is asked for, be there at once.
  // `foretell` gets what comes of it, by `end`, for who listens.
  function runner(step, show, foretell, end = () => "It runs.") {
    let timer = 0;
    const stop = () => {
      clearTimeout(timer);
      timer = 0;
      foretell(null);
    };
    const next = () => {
      const more = step();
      timer = more ? setTimeout(next, FRAME) : 0;
      show();
    };
    const start = () => {
      stop();
      if (less.matches) while (step());
      else {
        timer = setTimeout(next, FRAME);
        foretell(end());
      }
      show();
    };
    return { start, stop, running: () => timer !== 0 };
  }

  // There is no step after the last.
  function setOff(button, off, way_back) {
    button.setAttribute("aria-disabled", off);
    button.title = off ? `No step is left: ${way_back}.` : "";
  }

  // What comes when it is first needed: scripts and weights, each once.
  const asked = {};
  function load(address) {
    asked[address] ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = () => {
        delete asked[address]; // the next time it may come
        failed(new Error(`${address} did not come`));
      };
      document.head.append(script);
    });
    return asked[address];
  }

  // The page's colours as numbers, for pixels; `changed` is called when the theme is another.
  function colours(root, changed) {
    const probe = document.createElement("span");
    const found = {};
    const mix = () => {
      root.append(probe);
      for (const name of ["ink", "blue", "red"]) {
        probe.style.color = colour(name);
        found[name] = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
      }
      probe.remove();
    };
    mix();
    new MutationObserver(() => {
      mix();
      changed();
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return found;
  }

  // Paint pixels: `of(i)` gives the colour and how much of it, 0 to 1.
  function paint(canvas, of) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < canvas.width * canvas.height; i++) {
      const [rgb, alpha] = of(i);
      image.data.set([...rgb, 255 * between(alpha, 0, 1)], 4 * i);
    }
    context.putImageData(image, 0, 0);
  }

  const data = (root) => JSON.parse(root.querySelector("script[type='application/json']").textContent);

  // Each figure of the page is built once: when its script has come, or, where it has more to load, when it is asked for.
  function add(name, build) {
    const root = document.querySelector(`.lf[data-figure=${name}]`);
    // Who goes past a closed fold sees that something in it can be moved.
    const fold = root.closest("details")?.querySelector("summary");
    fold?.append(Object.assign(document.createElement("span"), { className: "lf-fold", textContent: "live figure" }));
    const invite = root.parentElement.querySelector(".lf-invite");
    if (!invite) return (root.live = build(root)); // what a test reads
    const [asking, words] = invite.children;
    const figure = root.parentElement;
    asking.addEventListener("click", async () => {
      if (root.live) return turn(true);
      words.textContent = "It is loading.";
      try {
        for (const { value } of root.querySelectorAll("data")) await load(value);
      } catch {
        words.textContent = "The network did not come: load the page again.";
        return;
      }
      if (root.live) return;
      const back = document.createElement("button");
      Object.assign(back, { type: "button", textContent: "Show the still figure" });
      back.addEventListener("click", () => turn(false));
      root.append(Object.assign(document.createElement("div"), { className: "lf-row" }));
      root.lastElementChild.append(back);
      figure.classList.add("lf-now");
      root.live = build(root);
      root.dataset.state = "ready";
      turn(true);
    });
    // Show the live figure or the still one; what was pressed is gone then.
    function turn(live) {
      figure.classList.toggle("lf-now", live);
      words.textContent = "";
      (live ? root.querySelector(".lf-prime") : asking).focus({ preventScroll: true });
    }
  }

  // Images to take, of bytes that follow one another: each is a button, and `take` gets its place.
  function thumbs(root, labels, bytes, colour, words, take) {
    const buttons = labels.map((label, k) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", `${words} ${label}`);
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 28;
      paint(canvas, (i) => [colour, bytes[28 * 28 * k + i] / 255]);
      button.append(canvas);
      button.addEventListener("click", () => take(k));
      return button;
    });
    root.querySelector(".lf-thumbs").replaceChildren(...buttons);
  }

  return {
    add, AHEAD, amount, axes, between, colour, colours, data, draw, FAINT, handle, ink, less, load, number, paint, panel, path, pen, powersOfTen, runner,
    says, setOff, sliders, text, thumbs, wild,
  };
})();
