// Chapters 4 and 7: an image of which pixels are hidden settles (network.js has the method), in the network of the page book/live.md,
// or in one of those that the chapter compares. A slider, `dial`, weighs the two kinds of errors, from HPC, where e alone moves, over BPC
// to discPC, where d alone does.

bpcFigures.add("hidden", (root) => {
  "use strict";
  const { axes, between, draw, FAINT, ink, number, paint, panel, path, pen, text, thumbs } = bpcFigures;

  const SIDE = 28;
  const PIXELS = SIDE * SIDE;
  const STEPS = 200;
  const RATE = 1; // of the longest step that cannot raise the energy
  const LAST = 4; // the dial's end
  const given = bpcFigures.data(root);
  const names = given.networks ?? { bidirectional: "" }; // of the networks, and what each is called
  let stored, network;
  const digits = bpc.bytes(given.images);
  const state = { digit: given.digit ?? 8, visible: new Uint8Array(PIXELS), dial: given.dial ?? 0, at: 0, brush: 0, network: Object.keys(names)[0] };
  let states = []; // activities and errors, step by step, as far as they were asked for

  // The method.
  const pixels = () => Float64Array.from(digits.subarray(PIXELS * state.digit, PIXELS * (state.digit + 1)), (p) => p / 255);
  // What is hidden starts at 0, the mean of all pixels.
  const image = () => bpc.normalise(pixels(), stored.settings).map((x, i) => (state.visible[i] ? x : 0));
  function alphas() {
    const gen = state.dial === LAST ? 0 : 10 ** Math.min(0, -state.dial);
    const disc = state.dial === -LAST ? 0 : 10 ** Math.min(0, state.dial);
    return bpc.precisions(network, bpc.RULES.bidirectional, gen, disc);
  }
  function begin() {
    stored = bpcNetworks[state.network];
    network = stored.network ??= bpc.read(stored);
    const z = bpc.sweepUp(network, image());
    states = [{ z, found: bpc.errors(network, z) }];
  }
  function settle(steps) {
    const clamped = [...Array(network.L).fill(false), state.visible];
    const sizes = bpc.layerSteps(network, alphas(), RATE);
    while (states.length <= steps) {
      const { z, found } = states[states.length - 1];
      const next = bpc.descend(network, z, found, clamped, alphas(), sizes);
      states.push({ z: next, found: bpc.errors(network, next) });
    }
    return states[steps];
  }
  const energies = () => states.map(({ found }) => bpc.energy(found, alphas()));

  // What is seen.
  const canvas = root.querySelector(".lf-image");
  const right = panel(root, "");
  const button = (name) => root.querySelector(`button[name=${name}]`);
  const say = bpcFigures.says(root);
  const colours = bpcFigures.colours(root, () => {
    showThumbs();
    show(false);
  });

  function showImage(z) {
    const seen = bpc.denormalise(z[network.L], stored.settings);
    paint(canvas, (i) => (state.visible[i] ? [colours.ink, seen[i]] : [colours.blue, 0.13 + 0.87 * between(seen[i], 0, 1)]));
    if (document.activeElement === canvas && cursor.byKeys) {
      const context = canvas.getContext("2d");
      context.fillStyle = `rgb(${colours.red})`;
      for (const [dx, dy] of [[-2, 0], [2, 0], [0, -2], [0, 2]]) context.fillRect(cursor.x + dx, cursor.y + dy, 1, 1);
    }
  }

  function showLabel(z) {
    const g = right.drawn;
    const best = bpc.argmax(z[0]);
    const column = 28.2;
    const [low, high] = [Math.min(-0.35, ...z[0]), Math.max(1.15, ...z[0])];
    const Y = (value) => 112 - ((between(value, low, high) - low) / (high - low)) * 90;
    text(g, 181, 13, `the label says ${best}`);
    for (const tick of [0, 0.5, 1]) {
      draw(g, "path", { d: path([[40, Y(tick)], [36, Y(tick)]]), style: pen("ink", 0.8) });
      text(g, 33, Y(tick) + 4.5, String(tick), { anchor: "end" });
    }
    text(g, 40, 13, "a", { anchor: "start", more: "font-weight: 700" });
    z[0].forEach((value, k) => {
      const x = 40 + (k + 0.5) * column;
      const [y, tall] = [Math.min(Y(0), Y(value)), Math.abs(Y(value) - Y(0))];
      draw(g, "rect", { x: x - 10, y, width: 20, height: Math.max(tall, 0.5), style: ink("ink", k === best ? "" : "opacity: 0.4") });
      text(g, x, 127, String(k), { more: k === best ? "font-weight: 700" : "" });
    });
    draw(g, "path", { d: path([[40, Y(0)], [322, Y(0)]]), style: pen("ink", 0.8, FAINT) });
  }

  function showEnergy() {
    const g = right.drawn;
    const parts = energies().slice(0, state.at + 1);
    const power = (x) => Math.log10(Math.max(x, 1e-9));
    const top = Math.ceil(power(Math.max(...parts.map(({ e, d }) => e + d), 1)));
    const span = [top - 3, top];
    const ticks = [top - 3, top - 2, top - 1, top];
    const { X, Y } = axes(right, {
      box: [40, 158, 322, 262], x: [0, STEPS], y: span, xlabel: "step of inference", xticks: [0, 50, 100, 150, 200],
      yticks: ticks, ynames: bpcFigures.powersOfTen(ticks),
    });
    text(g, 40, 151, "b", { anchor: "start", more: "font-weight: 700" });
    text(g, 120, 151, "energy", { anchor: "end" });
    if (state.dial === LAST) { // else an empty panel would look like a fault
      text(g, 181, 205, "empty: *d* alone counts, and the sweep", {});
      text(g, 181, 223, "leaves none: there is nothing to settle", {});
    }
    // The sum is broad and pale, and below its parts, one of which it often is.
    [["sum", "ink", ({ e, d }) => e + d, 315], ["from *e*", "blue", ({ e }) => e, 192], ["from *d*", "red", ({ d }) => d, 258]].forEach(
      ([words, shade, of, x]) => {
        const points = parts.map((each, t) => [X(t), power(of(each))]).filter(([, E]) => E >= span[0]).map(([at, E]) => [at, Y(E)]);
        if (points.length > 1) draw(g, "path", { d: path(points), style: shade === "ink" ? pen(shade, 7, "opacity: 0.28") : pen(shade, 2) });
        if (points.length) draw(g, "circle", { cx: points[points.length - 1][0], cy: points[points.length - 1][1], r: 3, style: ink(shade) });
        text(g, x, 151, words, { name: shade, anchor: "end" });
      },
    );
  }

  function show(spoken = true) {
    const { z } = settle(state.at);
    right.drawn.replaceChildren();
    showImage(z);
    showLabel(z);
    showEnergy();
    showSliders();
    for (const each of choices) each.setAttribute("aria-pressed", each.value === state.network);
    for (const name of ["hides", "shows"]) button(name).setAttribute("aria-pressed", (name === "shows") === (state.brush === 1));
    [...root.querySelectorAll(".lf-thumbs button")].forEach((b, k) => b.setAttribute("aria-pressed", k === state.digit));
    button("go").textContent = run.running() ? "Pause" : state.at === STEPS ? "Settle again" : "Settle";
    bpcFigures.setOff(button("one"), state.at === STEPS, "Back to the sweep goes to the first");
    const swept = bpc.argmax(states[0].z[0]);
    const { e, d } = energies()[state.at];
    const says = bpc.argmax(z[0]);
    const which = names[state.network] && `The network that ${names[state.network]}. `;
    const again = bpc.argmax(bpc.sweepUp(network, z[network.L])[0]);
    const filled = state.at > 0 && state.dial !== LAST; // else what is hidden is still blank
    const answers = !state.visible.includes(0)
      ? `the label says ${says}; nothing is hidden, so nothing is filled in`
      : filled
        ? `the label says ${says}, and a sweep over what is filled in says ${again}`
        : state.at ? `the label says so still; nothing is filled in` : `nothing is filled in yet`;
    // Where the tallest bar is not what a sweep reads of the same image: no fault, but what e does to a label.
    const differs = filled && says !== again
      ? ` That they differ is no fault: e moves the label to the mixture of digits that predicts the layer below best, and its tallest bar need not be the digit that is read.${state.dial < 0 ? " Let d weigh more, and see." : ""}` : "";
    const moves = state.dial === LAST ? " Only d may move anything, and the sweep has made it zero: all stays." : "";
    say(
      `${which}Step ${state.at} of ${STEPS}. The sweep said ${swept}; ${answers}. Energy ${number(e + d, 1)}: ${number(e, 1)} from e, ${number(d, 1)} from d.${differs}${moves}`,
      !spoken || run.running(),
    );
  }

  const run = bpcFigures.runner(() => {
    state.at = Math.min(STEPS, state.at + (bpcFigures.less.matches ? STEPS : 1 + Math.floor(state.at / 8)));
    return state.at < STEPS;
  }, () => show(), say.foretell);

  // Start over: with another image, other holes, or other weights.
  function anew(spoken = true) {
    run.stop();
    state.at = 0;
    begin();
    show(spoken);
  }

  const HIDES = {
    fifths: (i) => (given.seen.includes(i) ? 1 : 0), // the same pixels each time
    lower: (i) => (i < PIXELS / 2 ? 1 : 0),
    nothing: () => 1,
  };
  function hide(which) {
    state.visible = Uint8Array.from({ length: PIXELS }, (_, i) => HIDES[which](i));
  }
  for (const which of Object.keys(HIDES)) {
    button(which).addEventListener("click", () => {
      hide(which);
      anew();
    });
  }
  for (const [name, brush] of [["hides", 0], ["shows", 1]]) {
    button(name).addEventListener("click", () => {
      state.brush = brush;
      show();
    });
  }

  // The brush, by pointer and by keys.
  const REACH = 2.2; // pixels
  const cursor = { x: 14, y: 14, byKeys: false };
  function dab(x, y) {
    for (let i = 0; i < PIXELS; i++) {
      if (Math.hypot((i % SIDE) + 0.5 - x, Math.floor(i / SIDE) + 0.5 - y) <= REACH) state.visible[i] = state.brush;
    }
  }
  let last = null; // where the pointer was, while it is held
  function stroke(event) {
    const box = canvas.getBoundingClientRect();
    const to = [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    const pieces = Math.max(1, Math.ceil(Math.hypot(to[0] - last[0], to[1] - last[1])));
    for (let n = 1; n <= pieces; n++) dab(...to.map((x, i) => last[i] + ((x - last[i]) * n) / pieces));
    last = to;
    anew(false);
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || last) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    cursor.byKeys = false;
    const box = canvas.getBoundingClientRect();
    last = [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => last && stroke(event));
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (!last) return;
      if (end === "pointerup") stroke(event);
      last = null;
      show();
    });
  }
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way && event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    cursor.byKeys = true;
    if (way) {
      [cursor.x, cursor.y] = [cursor.x + 3 * way[0], cursor.y + 3 * way[1]].map((c) => between(c, 1, SIDE - 2));
      show(false);
      const is = state.visible[SIDE * cursor.y + cursor.x] ? "seen" : "hidden";
      say.tell(`Row ${cursor.y + 1}, column ${cursor.x + 1} of ${SIDE}, ${is}.`);
    } else {
      dab(cursor.x + 0.5, cursor.y + 0.5);
      anew();
    }
  });
  canvas.addEventListener("blur", () => show(false));

  function showThumbs() {
    thumbs(root, given.labels, digits, colours.ink, "Take this", (k) => {
      state.digit = k;
      anew();
    });
  }

  const showSliders = bpcFigures.sliders(root, state, (name, done) => {
    run.stop();
    if (name === "dial") {
      const at = state.at;
      anew(false);
      state.at = at; // the same step, with other precisions
    }
    show(done);
  });
  button("go").addEventListener("click", () => {
    if (run.running()) {
      run.stop();
      return show();
    }
    if (state.at >= STEPS) anew(false);
    run.start();
  });
  button("one").addEventListener("click", () => {
    run.stop();
    state.at = Math.min(state.at + 1, STEPS);
    show();
  });
  button("back").addEventListener("click", () => anew());

  // The networks to choose from, where there is more than one.
  const choices = Object.entries(names).filter(([, words]) => words).map(([name, words]) => {
    const choice = Object.assign(document.createElement("button"), { type: "button", value: name, textContent: words });
    choice.addEventListener("click", () => {
      state.network = name;
      anew();
    });
    return choice;
  });
  root.querySelector(".lf-networks").append(...choices);

  showThumbs();
  hide(given.hides ?? "fifths");
  anew(false);
  return { state, settle, alphas, energies };
});
