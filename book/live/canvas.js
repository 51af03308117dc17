// What the canvases of the page share: pixels, lines, and the page's colours; and its groups of buttons. A classic script.

const canvases = (() => {
  "use strict";

  const between = (x, low, high) => Math.max(low, Math.min(high, x));
  const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

  // The colours that the page has within an element, as red, green and blue from 0 to 255.
  function colours(root) {
    const probe = document.createElement("span");
    root.append(probe);
    const [ink, blue, red] = ["currentcolor", "var(--live-e)", "var(--live-d)"].map((colour) => {
      probe.style.color = colour;
      return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    });
    probe.remove();
    return { ink, blue, red };
  }

  // Paint pixels: `of(i)` gives the colour and how much of it.
  function paint(canvas, of) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < canvas.width * canvas.height; i++) {
      const [colour, alpha] = of(i);
      image.data.set([...colour, 255 * between(alpha, 0, 1)], 4 * i);
    }
    context.putImageData(image, 0, 0);
  }

  const SUM = { wide: 7, alpha: 0.28 }; // the line of a sum, broad and pale, in which its larger part runs

  // A canvas as sharp as the screen, to draw on in CSS pixels.
  function fresh(canvas) {
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    return { context, width, height };
  }

  function line(context, colour, points, thick = 1) {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    points.forEach(([x, y]) => context.lineTo(x, y));
    context.stroke();
  }

  function dot(context, colour, [x, y], radius) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  // What lies beyond an edge: the tip of an arrow that points there, up or down.
  function tip(context, colour, [x, y], up, size = 5) {
    const way = up ? 1 : -1;
    context.fillStyle = colour;
    context.beginPath();
    for (const [dx, dy] of [[-size, way * size], [size, way * size], [0, -way * size]]) context.lineTo(x + dx, y + dy);
    context.fill();
  }

  // A power of ten beside its line: all along an axis, from one power to another, are written in the same way, and in the
  // chapters' figures too.
  const raised = (n) => (n === 0 ? "1" : n === 1 ? "10" : `10${n < 0 ? "⁻" : ""}${[...String(Math.abs(n))].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`);
  const powerOfTen = (n, from, to) => (from > -4 && to < 5 ? (10 ** n).toFixed(Math.max(0, -n)) : raised(n));

  const plain = (x) => Math.abs(x) >= 0.001 && Math.abs(x) < 1e5;
  const short = (x) => (x === 0 ? "0" : plain(x) ? String(+x.toPrecision(4)) : x.toExponential(2).replace("+", ""));
  const two = (x) => String(+x.toPrecision(2)); // digits
  const amount = (x, written = short) => (Math.abs(x) < 1e5 ? written(x) : "off the scale"); // what blew up is a word

  // A group of buttons is one stop of the Tab key; within it the arrow keys, Home and End move.
  function oneStop(group) {
    const buttons = [...group.querySelectorAll("button")];
    const stop = (chosen) => buttons.forEach((button) => (button.tabIndex = button === chosen ? 0 : -1));
    stop(buttons.find((button) => button.getAttribute("aria-pressed") === "true") ?? buttons[0]);
    group.addEventListener("focusin", ({ target }) => buttons.includes(target) && stop(target));
    group.addEventListener("keydown", (event) => {
      const at = buttons.indexOf(event.target);
      const last = buttons.length - 1;
      const before = at ? at - 1 : last;
      const after = at < last ? at + 1 : 0;
      const to = { ArrowLeft: before, ArrowUp: before, ArrowRight: after, ArrowDown: after, Home: 0, End: last }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      buttons[to].focus();
    });
  }

  // A button that does nothing now says why: as its title, and in words that are seen where it is tapped. It keeps the focus.
  function setOff(button, why) {
    button.setAttribute("aria-disabled", Boolean(why));
    button.title = why || "";
  }
  function sayWhyOff(root, say) {
    const seen = Object.assign(document.createElement("p"), { className: "live-why", hidden: true });
    seen.setAttribute("aria-hidden", "true"); // who listens hears it from the status
    document.body.append(seen);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button[aria-disabled=true]");
      seen.hidden = !button;
      if (!button) return;
      event.stopPropagation();
      seen.textContent = button.title;
      say(button.title);
    }, true);
    for (const type of ["focusout", "keydown"]) root.addEventListener(type, () => (seen.hidden = true));
  }

  // What does not count is struck out, and says so to who listens.
  function mute(place, off) {
    place.classList.toggle("live-off", off);
    const said = place.querySelector(":scope > .live-unseen");
    if (off && !said) place.append(Object.assign(document.createElement("span"), { className: "live-unseen", textContent: " does not count" }));
    if (!off) said?.remove();
  }

  return { amount, between, colours, css, dot, fresh, line, mute, oneStop, paint, powerOfTen, sayWhyOff, setOff, short, SUM, tip, two };
})();
