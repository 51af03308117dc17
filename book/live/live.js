// The network in the page: what a reader draws, hides, clamps and chooses, and the network that settles on it.
// The method is in network.js, the making of digits in drawing.js, the weights in weights/. Names as in the book.

(() => {
  "use strict";

  const root = document.getElementById("live");
  if (!root) return;
  const $ = (name) => document.getElementById(`live-${name}`);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)"); // then the end is shown, and not the way
  const { SIDE } = drawing;
  const { amount, between, css, dot, fresh, line, oneStop, paint, powerOfTen, sayWhyOff, setOff, short, SUM, tip, two } = canvases;
  const PIXELS = SIDE * SIDE;

  // What the sliders choose.
  const ALPHA = (slider) => 10 ** (slider / 2);
  const RATES = [0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5];
  const STEPS = [10, 20, 50, 100, 200, 400, 1000];
  const LONGEST = 4; // seconds of a run, at 60 frames a second
  const FEW = 100; // steps: of a run of so few, the first 20 are seen one by one
  const LEAST_INK = 15; // pixels' worth: less than any digit of MNIST has
  const BLOWN_UP = 1e6; // times the energy at the start: it will not come back

  // What a guided experiment starts from, where it says nothing else.
  const SETTINGS = { rule: "bidirectional", alpha_gen: 1, alpha_disc: 1, rate: 1, steps: 400 };
  const PLAIN = { ...SETTINGS, label: null };
  // What the reader has set by hand, and otherwise what is plain: with a new image it holds again.
  const own = { ...PLAIN };

  // All that the page shows follows from this.
  const state = {
    ...PLAIN,
    pixels: new Float64Array(PIXELS), // the image that is given, 0 to 1
    visible: new Uint8Array(PIXELS).fill(1), // 1 where it is seen; the rest is free
    z: null, // activities
    found: null, // errors e and d at z
    path: [], // the energy's two parts, step by step
    diverged: false,
    running: false,
  };
  let network; // of the rule, or, until its weights have come, of the one before; at first its sizes alone
  let waiting = []; // what was asked for meanwhile
  let settings = null; // of its training
  let strokes = []; // on the pad
  const units = {}; // which are shown, of each hidden layer

  // The network ----------------------------------------------------------------------------------------------------

  const rule = () => bpc.RULES[state.rule];
  const alphas = () => bpc.precisions(network, rule(), state.alpha_gen, state.alpha_disc);
  const anySeen = () => state.visible.includes(1);
  const anyHidden = () => state.visible.includes(0);
  // A label has no image to draw on where a blank one is seen, and so held; on one that is hidden it draws.
  const onBlank = () => state.label !== null && !state.pixels.some((p) => p > 0);
  const holdsBlank = () => onBlank() && anySeen();
  const drawsOnBlank = () => onBlank() && !anySeen();
  const inkSeen = () => state.pixels.some((p, i) => p > 0 && state.visible[i]);
  // A dot is no digit, though a network would take it for one.
  const scant = () => inkSeen() && state.pixels.reduce((a, b) => a + b) < LEAST_INK;
  const readable = () => inkSeen() && !scant();
  // Nothing to read: the label is free, and no pixel with ink is seen, or too few have ink.
  const blank = () => state.label === null && !readable();
  // How much each kind of error counts: not at all where the rule does not move by it, and little where the other weighs
  // a hundred times as much.
  function counting(kind) {
    const [e, d] = [rule().moves[0] * state.alpha_gen, rule().moves[1] * state.alpha_disc];
    const [own, other] = kind === "e" ? [e, d] : [d, e];
    return own === 0 ? "off" : own < 0.01 * other ? "little" : "";
  }
  const STRENGTH = { off: 0.3, little: 0.6, "": 1 }; // of what is drawn
  const faded = (colour, kind) => css(colour, STRENGTH[counting(kind)]);
  // What is hidden starts at 0, the mean of all pixels.
  const given = () => bpc.normalise(state.pixels, settings).map((x, i) => (state.visible[i] ? x : 0));
  const sweepsUp = () => rule().start === "image"; // genPC has no amortiser
  const clamped = () => [state.label !== null, ...Array(network.L - 1).fill(false), anyHidden() ? state.visible : true];

  const asked = {}; // scripts of weights
  function load(name) {
    if (globalThis.bpcNetworks?.[name]) asked[name] = Promise.resolve();
    asked[name] ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${root.dataset.weights}${name}.js`;
      script.onload = done;
      script.onerror = () => {
        delete asked[name]; // the next time it may come
        failed(new Error(`${script.src} did not come`));
      };
      document.head.append(script);
    });
    return asked[name].then(() => {
      const stored = globalThis.bpcNetworks[name];
      stored.network ??= { ...bpc.read(stored), of: name };
      return stored;
    });
  }

  // The weights come when the network is first touched, or pressed by a script; what is asked of it meanwhile waits for them.
  const there = () => network.of === state.rule;
  function wake() {
    if (!there() && root.dataset.state !== "waiting") choose(state.rule, () => begin(false));
  }
  function later(act, ...before) {
    wake();
    waiting = [...before, act];
  }

  // Start again from a sweep; `run` says whether to settle too.
  function begin(run = true) {
    if (!there()) return later(() => begin(run)); // whatever was asked before: it starts again
    const label = state.label === null ? null : bpc.oneHot(state.label);
    state.z = bpc.start(network, rule(), label, given());
    state.found = bpc.errors(network, state.z);
    state.swept = sweepsUp() && readable() ? bpc.argmax(bpc.sweepUp(network, given())[0]) : null; // whatever label is held
    // The same without the clamp, which settles beside it: what the clamp costs.
    const z = bpc.start(network, rule(), null, given());
    state.free = state.label !== null && inkSeen() ? { z, found: bpc.errors(network, z) } : null;
    started(run);
  }

  function started(run) {
    state.running = false;
    state.diverged = false;
    state.path = [bpc.energy(state.found, alphas())];
    state.range = [0, 0, 0, 0];
    reach();
    nameGiven();
    if (run && !blank()) settle();
    else show();
  }

  function step() {
    const sizes = bpc.layerSteps(network, alphas(), state.rate);
    const after = (from, stays) => {
      const z = bpc.descend(network, from.z, from.found, stays, alphas(), sizes);
      return { z, found: bpc.errors(network, z) };
    };
    const { z, found } = after(state, clamped());
    if (state.free) state.free = after(state.free, [false, ...clamped().slice(1)]);
    const parts = bpc.energy(found, alphas());
    state.path.push(parts);
    if (!(total(parts) < BLOWN_UP * (total(state.path[0]) + 1))) {
      state.path.pop();
      state.diverged = true;
      return;
    }
    state.z = z;
    state.found = found;
    reach();
  }

  // How far the axes of the units reach: to the largest activity and prediction so far, while the energy is not above
  // that at the start. What climbs past it leaves them, and is seen to.
  function reach() {
    if (risen()) return;
    for (const l of [1, 2]) state.range[l] = Math.max(state.range[l], 0.5, ...units[l].flatMap((i) => unit(l, i).map(Math.abs)));
    const [z, , g] = labels();
    state.label_range = [Math.min(-0.25, ...z), Math.max(1.1, ...z, ...g)];
  }

  // A unit's activity, and what is predicted of it: from above by f, from below by g.
  const unit = (l, i) => [state.z[l][i], state.z[l][i] - state.found.e[l][i], state.z[l][i] - state.found.d[l][i]];
  const labels = () => [0, 1, 2].map((what) => [...state.z[0].keys()].map((k) => unit(0, k)[what]));
  const expects = () => bpc.argmax(labels()[2]); // what comes up to the label expects it to be
  const paused = () => t() > 0 && !ended() && !state.running;
  // The units of a layer that are shown and leave its axis.
  const beyond = (l) => units[l].filter((i) => unit(l, i).some((value) => Math.abs(value) > state.range[l]));

  const t = () => state.path.length - 1;
  const ended = () => state.diverged || t() >= state.steps;
  const total = ({ e, d }) => e + d;
  // Settling that has come to more energy than it began with answers nothing.
  const risen = () => !state.diverged && total(state.path[t()]) > 1.001 * total(state.path[0]) + 1e-6; // for rounding
  const blownUp = () => state.diverged || risen();
  const freeEnergy = () => total(bpc.energy(state.free.found, alphas()));
  // What the clamp costs: where the energy stands, and where it stands with the label free, both with as many decimals as
  // four digits of the first have; and the difference of these two, so that who subtracts them finds it.
  function costs() {
    if (!state.free || !t() || blownUp()) return null;
    const grain = 10 ** (3 - Math.floor(Math.log10(Math.max(total(state.path[t()]), 1e-9))));
    const [held, free] = [total(state.path[t()]), freeEnergy()].map((E) => Math.round(grain * E));
    return { end: short(held / grain), free: short(free / grain), cost: short((held - free) / grain) };
  }

  // Settle, a few steps a frame; where less motion is asked for, the step alone counts until the end is shown.
  function settle() {
    if (!there()) return later(settle, ...waiting);
    if (state.running || ended()) return show();
    state.running = true;
    const run = (state.run = {});
    if (!penDown()) announce(`${state.label === null ? "The label is free" : `The label is clamped to ${state.label}`}. It settles.`);
    const stride = Math.max(1, Math.ceil(state.steps / (60 * LONGEST)));
    const hold = () => (state.steps > FEW ? 1 : t() < 20 ? 8 : Math.max(1, Math.floor(80 / (state.steps - 20)))); // frames that a step is seen for
    let wait = hold();
    const frame = () => {
      if (state.run !== run || !state.running) return;
      if (!still.matches && --wait > 0) return next(frame);
      wait = hold();
      const until = performance.now() + 12;
      for (let k = 0; !ended() && (still.matches ? performance.now() < until : k < stride); k++) step();
      state.running = !ended();
      if (!still.matches || !state.running) show();
      else showStep();
      if (state.running) next(frame);
    };
    show();
    next(frame);
  }

  const next = (run) => (still.matches ? setTimeout(run) : requestAnimationFrame(run));

  function pause() {
    state.running = false;
    show();
  }

  // Drawing --------------------------------------------------------------------------------------------------------

  let ink, blue, red; // the page's colours
  const mixColours = () => ({ ink, blue, red } = canvases.colours(root));

  function showImages() {
    const pixels = bpc.denormalise(state.z[network.L], settings);
    const expected = bpc.denormalise(minus(state.z[network.L], state.found.e[network.L]), settings);
    const pixel = (i) => (state.visible[i] ? [ink, pixels[i]] : [blue, 0.13 + 0.87 * between(pixels[i], 0, 1)]);
    paint($("image"), pixel);
    paint($("mini"), pixel); // beside the answers, on a phone
    paint($("expected"), (i) => [blue, expected[i]]);
    paint($("error"), (i) => {
      const e = state.found.e[network.L][i] * settings.pixel_std;
      return e > 0 ? [ink, e] : [blue, -e];
    });
    if (byKeys($("image"))) mark($("image"), cursors.image);
  }

  const minus = (a, b) => a.map((x, i) => x - b[i]);
  const byKeys = (canvas) => document.activeElement === canvas && !("pointer" in canvas.dataset); // then it shows where one is

  function showLabels() {
    const { context, width, height } = fresh($("bars"));
    const [z, , g] = labels();
    const [bottom, top] = state.label_range;
    const y = (value) => 2 + ((top - between(value, bottom, top)) / (top - bottom)) * (height - 4);
    const edge = (value) => between(y(value), 7, height - 7); // for the tip of an arrow
    const tick = 10 ** Math.floor(Math.log10(top)); // 1, unless they have grown
    for (const level of [0, tick]) line(context, css(ink, level ? 0.16 : 0.4), [[level ? 10 : 0, y(level)], [width, y(level)]]);
    const column = width / z.length;
    const best = blownUp() || blank() ? null : bpc.argmax(z);
    z.forEach((value, k) => {
      const middle = (k + 0.5) * column;
      context.fillStyle = css(ink, k === best ? 1 : 0.45);
      context.fillRect(middle - column * 0.28, Math.min(y(0), y(value)), column * 0.56, Math.abs(y(value) - y(0)));
      if (g[k] === between(g[k], bottom, top)) line(context, faded(red, "d"), [[middle - column * 0.4, y(g[k])], [middle + column * 0.4, y(g[k])]], 2);
      else tip(context, faded(red, "d"), [middle + column * 0.4, edge(g[k])], g[k] > top);
      if (value !== between(value, bottom, top)) tip(context, css(ink), [middle, edge(value)], value > top, 7);
    });
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "left";
    context.fillStyle = css(ink, 0.8);
    context.fillText(short(tick), 0, between(y(tick) + 4, 9, height - 1));
    frameUnit($("bars"), context, height);
  }

  // A unit: its activity is a dot between two predictions, f from above and g from below; the springs are e and d.
  function showSprings(canvas) {
    const l = Number(canvas.dataset.layer);
    const { context, width, height } = fresh(canvas);
    const range = state.range[l];
    const off = (value) => Math.abs(value) > range;
    const y = (value) => height / 2 - between(value / range, -1, 1) * (height / 2 - 6);
    line(context, css(ink, 0.25), [[0, height / 2], [width, height / 2]]);
    const margin = 12; // for a letter beside the first unit
    const column = (width - margin) / units[l].length;
    units[l].forEach((i, k) => {
      const middle = margin + (k + 0.5) * column;
      const [z, f, g] = unit(l, i);
      for (const [prediction, of, kind, side] of [[f, blue, "e", -1], [g, red, "d", 1]]) {
        const [colour, off_] = [faded(of, kind), counting(kind) === "off"];
        const x = middle + side * Math.min(10, column / 4);
        const [from, to] = [y(prediction), y(z)];
        if (off(prediction)) tip(context, colour, [x, from], prediction > 0);
        else line(context, colour, [[x - 5, from], [x + 5, from]], 3);
        const turns = Array.from({ length: 9 }, (_, n) => [
          x + (n % 8 ? (n % 2 ? -3 : 3) : 0),
          from + ((to - from) * n) / 8,
        ]);
        if (Math.abs(to - from) > 2 && !off_) line(context, colour, turns, 1.2); // what does not pull is no spring
      }
      const reach = Math.min(10, column / 4);
      line(context, css(ink), [[middle - reach, y(z)], [middle + reach, y(z)]], 1);
      if (off(z)) tip(context, css(ink), [middle, y(z)], z > 0, 6);
      else dot(context, css(ink), [middle, y(z)], 4);
      if (k > 0) return; // the first says what is what
      const beside = y(z) < 16 ? 15 : -8; // below the dot, or above it
      // Its predictions' letters stand beside their marks, or, where the next unit is near, beyond them.
      const narrow = column < 44;
      const aside = narrow ? reach + 3 : 22;
      const level = (prediction) => y(prediction) + (narrow ? (y(prediction) > y(z) ? 14 : -5) : 4);
      for (const [letter, colour, x, at] of [
        ["f", blue, middle - aside, level(f)], ["z", ink, middle, y(z) + beside], ["g", red, middle + aside, level(g)],
      ]) {
        context.font = 'italic 14px "STIX Two Math", Cambria, Georgia, serif';
        context.textAlign = "center";
        context.fillStyle = css(colour);
        context.fillText(letter, x, between(at, 10, height - 2));
      }
    });
    frameUnit(canvas, context, height);
  }

  // Units have names: of the one that was tapped, or that the keys are at, a word says what it is and what it stands at.
  const asked_of = { canvas: null, at: 0 };
  function columns(canvas) {
    const [count, margin] = canvas === $("bars") ? [10, 0] : [units[canvas.dataset.layer].length, 12];
    return { count, margin, wide: (canvas.clientWidth - margin) / count };
  }
  function frameUnit(canvas, context, height) {
    if (asked_of.canvas !== canvas) return;
    const { margin, wide } = columns(canvas);
    context.strokeStyle = css(ink, 0.7);
    context.lineWidth = 1;
    context.strokeRect(margin + asked_of.at * wide + 0.5, 0.5, wide - 1, height - 1);
  }
  function unitWords() {
    const { canvas, at } = asked_of;
    const l = canvas === $("bars") ? 0 : Number(canvas.dataset.layer);
    const i = l ? units[l][at] : at;
    const [z, f, g] = unit(l, i).map((x) => amount(x, two));
    const [e, d] = [state.found.e[l][i], state.found.d[l][i]].map((x) => amount(x, two));
    const weak = (kind) => (counting(kind) === "off" ? ", does not count" : "");
    const name = l ? `Unit ${i + 1} of the ${network.sizes[l]} in layer ${l}` : `The label's unit for ${i}`;
    return [
      `${name}: its activity z is ${z}.`,
      l > 0 && `From above f expects ${f} (error e ${e}${weak("e")}).`,
      `From below g expects ${g} (error d ${d}${weak("d")}).`,
    ].filter(Boolean).join(" ").replace(/-(?=\d)/g, "−");
  }
  // For who sees, the same in short, in the line above the canvas, in the place of its title: so it covers no control, and
  // no finger covers it.
  function showRead() {
    for (const place of all(".live-read")) {
      const head = place.parentElement;
      const now = asked_of.canvas !== null && head.nextElementSibling === asked_of.canvas;
      head.classList.toggle("live-asked", now);
      place.hidden = !now;
      if (now) place.replaceChildren(...unitBrief());
    }
  }
  function unitBrief() {
    const { canvas, at } = asked_of;
    const l = canvas === $("bars") ? 0 : Number(canvas.dataset.layer);
    const i = l ? units[l][at] : at;
    const [z, f, g] = unit(l, i);
    const numbers = [z, ...(l ? [f] : []), g];
    const span = (className, ...parts) => {
      const one = Object.assign(document.createElement("span"), { className });
      one.append(...parts);
      return one;
    };
    const symbol = (letter) => Object.assign(document.createElement("var"), { textContent: letter });
    const number = (x) => ` ${two(x).replace("-", "−")}`;
    const name = l ? [`Unit ${i + 1}`, span("live-wide", ` of ${network.sizes[l]}`)] : [`Label ${i}`];
    if (numbers.some((x) => !(Math.abs(x) < 1e5))) return [...name, ": off the scale"];
    const parts = [...name, ": ", span("", symbol("z"), number(z))];
    for (const [kind, letter, way, prediction] of [["e", "f", "↓ ", f], ["d", "g", "↑ ", g]]) {
      if (kind === "e" && !l) continue;
      const off = counting(kind) === "off" ? " off" : "";
      parts.push(", ", span(`live-${kind}`, span("live-wide", way), symbol(letter), number(prediction), " (", symbol(kind), `${number(state.found[kind][l][i])}${off})`));
    }
    return parts;
  }
  function ask(canvas, at, heard) {
    Object.assign(asked_of, { canvas, at });
    show();
    if (canvas && heard) say(unitWords());
  }
  for (const canvas of [$("bars"), ...all(".live-springs")]) {
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.dataset.pointer = "";
      const { count, margin, wide } = columns(canvas);
      ask(canvas, between(Math.floor((event.offsetX - margin) / wide), 0, count - 1), true);
    });
    canvas.addEventListener("focus", () => asked_of.canvas !== canvas && ask(canvas, 0, true));
    canvas.addEventListener("blur", () => {
      delete canvas.dataset.pointer;
      if (asked_of.canvas === canvas) ask(null, 0);
    });
    canvas.addEventListener("keydown", (event) => {
      delete canvas.dataset.pointer;
      if (event.key === "Escape") return ask(null, 0);
      const last = columns(canvas).count - 1;
      const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -last, End: last }[event.key];
      if (!way) return;
      event.preventDefault();
      ask(canvas, between((asked_of.canvas === canvas ? asked_of.at : 0) + way, 0, last), true);
    });
  }

  // The energy and its two parts, step by step, with a line at each power of ten.
  function showEnergy() {
    const { context, width, height } = fresh($("chart"));
    const kept = followed() ? before : []; // what it is to be compared with, on the same axis
    const lines = [
      [css(ink, SUM.alpha), state.path.map(total), SUM.wide], // below the parts, one of which it often is
      [faded(blue, "e"), state.path.map(({ e }) => e), 2.5],
      [faded(red, "d"), state.path.map(({ d }) => d), 2.5],
    ];
    const positive = [kept, ...lines.map(([, values]) => values)].flatMap((values) => values.filter((x) => x > 0));
    const power = (x) => Math.log10(Math.max(x, 1e-12));
    const top = power(Math.max(...positive, 1e-6)) + 0.15;
    const bottom = Math.min(Math.max(power(Math.min(...positive, 1)), power(lines[0][1][0]) - 4), top - 1.5) - 0.1;
    const ticks = 40; // wide, at the right
    const x = (k) => 2 + (k / state.steps) * (width - 6 - ticks);
    const y = (value) => 2 + ((top - power(value)) / (top - bottom)) * (height - 4);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    const apart = Math.ceil((13 * (top - bottom)) / height); // so that no two ticks touch
    for (let n = Math.ceil(bottom); n <= top; n++) {
      line(context, css(ink, 0.16), [[0, y(10 ** n)], [width - ticks, y(10 ** n)]]);
      context.fillStyle = css(ink, 0.7);
      if (n % apart === 0) context.fillText(powerOfTen(n, bottom, top), width - 2, between(y(10 ** n) + 4, 9, height - 2));
    }
    if (kept.length) {
      context.setLineDash([1, 4]);
      line(context, css(ink, 0.8), kept.map((value, k) => [x(k), y(value)]), 2);
      context.setLineDash([]);
    }
    for (const [colour, values, thick] of lines) {
      const points = values.map((value, k) => [x(k), y(value)]).filter(([, level]) => level < height); // what is near 0 is below
      if (!points.length) continue;
      line(context, colour, points, thick);
      dot(context, colour, points[points.length - 1], thick / 2 + 1.5);
    }
    if (!blownUp()) return;
    // Beside the line that leaves, where there is room.
    const words = state.diverged ? ["It blew up:", "the step is", "too long."] : ["The energy has", "risen: the step", "is too long."];
    const end = x(t());
    const right = end + 110 < width - ticks;
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "left";
    context.fillStyle = css(ink);
    words.forEach((line, k) => context.fillText(line, right ? end + 10 : 4, 14 + 16 * k));
    if (right) showFall(context, [end + 14, 62, width - ticks - 4, height - 6]);
  }

  // The same in small, beside the buttons of a phone: the sum alone, below a line where it began.
  function showBrief() {
    if (!$("fall").clientWidth) return;
    const { context, width, height } = fresh($("fall"));
    const sums = state.path.map(total);
    const x = (k) => 3 + (k / state.steps) * (width - 6);
    const y = (E) => 8 + (1 - E / (sums[0] || 1)) * (height - 11); // 0 is the ground
    line(context, css(ink, 0.3), [[0, 8], [width, 8]]);
    line(context, css(ink), sums.map((E, k) => [x(k), Math.max(y(E), 0)]), 2); // what climbs leaves at the top
    dot(context, css(ink), [x(t()), Math.max(y(sums[t()]), 3)], 3);
  }

  // Of an energy that fell before it climbed: the first steps on a scale of their own, which the climb would make flat.
  function fall() {
    const sums = state.path.map(total);
    const least = sums.indexOf(Math.min(...sums));
    const back = sums.findIndex((E, k) => k > least && E >= sums[0]);
    return least > 0 && back > 0 ? { sums: sums.slice(0, back + 1), least, back } : null;
  }

  function showFall(context, [left, top, right, bottom]) {
    const found = fall();
    if (!found) return;
    const { sums, least, back } = found;
    const [high, low] = [sums[0] + 0.25 * (sums[0] - sums[least]), sums[least]];
    const x = (k) => left + 6 + (k / back) * (right - left - 12);
    const y = (E) => bottom - 18 - ((Math.min(E, high) - low) / (high - low)) * (bottom - top - 36);
    context.strokeStyle = css(ink, 0.3);
    context.lineWidth = 1;
    context.strokeRect(left, top, right - left, bottom - top);
    line(context, css(ink, 0.6), sums.map((E, k) => [x(k), y(E)]), 2);
    sums.forEach((E, k) => dot(context, css(ink), [x(k), y(E)], 2.2));
    context.font = "11px system-ui, sans-serif";
    context.fillText(short(sums[0]), left + 3, top + 12);
    context.textAlign = "center";
    context.fillText(`${short(sums[least])} at step ${least}`, between(x(least), left + 44, right - 44), bottom - 4);
  }

  // Words and numbers. Who listens hears what came of it: once it is still, and no pen is down.
  function showWords() {
    const { e, d } = state.path[t()];
    $("E").value = amount(e + d);
    $("E").parentElement.classList.toggle("live-wild", /[a-z]/.test($("E").value)); // words need the room
    $("brief-E").textContent = state.diverged ? "–" : amount(e + d); // the bar of a phone is narrow
    $("E-e").value = counting("e") === "off" ? "off" : amount(e);
    $("E-d").value = counting("d") === "off" ? "off" : amount(d);
    for (const name of ["E-e", "E-d"]) $(name).parentElement.classList.toggle("live-wild", $(name).value.includes(" ")); // as do these
    for (const place of all("[data-kind]")) canvases.mute(place, counting(place.dataset.kind) === "off");
    for (const name of ["expected", "error"]) $(name).classList.toggle("live-faint", counting("e") === "off");
    $("t-is").textContent = paused() ? "paused at step" : "step";
    $("brief-t-is").textContent = paused() ? "paused at" : "step";
    const held = state.label !== null && inkSeen() && !blownUp(); // what comes up to a label that is held
    $("expects").textContent = held ? `: ${expects()}` : "";
    const found = costs();
    if (ended() && found) { // the words stay while what they ask for settles
      const numbers = { ...found, was: "–", lie: "–", ...lied };
      for (const place of all("[data-number]")) place.textContent = numbers[place.dataset.number];
    }
    $("clamp").classList.toggle("live-none", !found);
    $("cost").value = found ? found.cost : "";
    showStep();
    const settled = t() > 0 && state.label === null && !blank() && !blownUp() ? bpc.argmax(state.z[0]) : null;
    const again =
      ended() && !blownUp() && !blank() && anyHidden() && sweepsUp() ? bpc.argmax(bpc.sweepUp(network, state.z[network.L])[0]) : null;
    $("swept").value = state.swept ?? "–";
    $("says").value = state.diverged ? "blew up" : (settled ?? "–");
    $("says").classList.toggle("live-words", state.diverged);
    $("says-when").textContent = settled !== null && !ended() ? "so far" : "settled"; // before its end it may change
    setOff($("step"), ended() && "No step is left: Start over goes back to the first.");
    $("again").value = again ?? "–";
    $("run").textContent = state.running ? "Pause" : ended() ? "Run again" : "Run"; // or, below, "Again"
    $("label-is").textContent = state.label === null ? "free" : `clamped to ${state.label}`;
    $("brief-note").textContent = blank() ? (scant() ? "too little ink" : "nothing given") : blownUp() ? "it blew up" : state.label === null ? "label free" : `label = ${state.label}`;
    $("free").disabled = state.label === null;
    $("image-is").textContent = !anyHidden() ? "seen" : anySeen() ? "seen in part" : "free";
    for (const e of all("[data-units]")) {
      const l = e.dataset.units;
      const off = beyond(l).length;
      e.textContent = off ? `${off} of 8 units off the scale` : `eight of ${network.sizes[l]} units`;
    }
    all("#live-labels button").forEach((b, k) => b.setAttribute("aria-pressed", state.label === k));
    const name = root.dataset.experiment;
    const told = name ? (ended() ? `${name}-end` : name) : ownTold();
    const set = byHand();
    $("by-hand").textContent = set && !ended() ? `${set} Reset settings, above the sliders, makes it plain again.` : set;
    for (const place of all("[data-outcome]")) place.textContent = outcome(settled, again);
    for (const place of all("[data-why]")) place.textContent = why(settled);
    $("start").textContent = blankStart();
    showGuess(name, settled, again);
    $("holds").textContent = aside();
    $("costs").textContent = ended() ? costWords() : "";
    for (const place of all(".live-ask")) {
      place.textContent = state.running ? "It settles; Pause stops it." : t() > 0 ? "It is paused; Run goes on." : "Make a guess, then press Run.";
    }
    tell(told);
    press(guided, root.querySelector(`button[data-experiment=${followed() ? left : name}]`));
    const offer = state.running || told === `${left}-end` ? null : OFFERS[told];
    $("offer").hidden = !offer;
    if (offer && ended()) $("run").textContent = "Again"; // four buttons need short words
    $("offer").textContent = offer?.words ?? "";
    $("offer").title = offer?.title ?? "";
    $("offer").classList.toggle("live-prime", Boolean(offer)); // it is what comes next
    $("run").classList.toggle("live-prime", !offer);
    showNext(name);
    if (state.running || penDown() || root.dataset.state === "failed") return; // that weights did not come stays said
    nameCanvases();
    const said = [
      `${rule().name}. ${paused() ? "Paused at step" : "Step"} ${t()} of ${state.steps}. Energy ${amount(e + d)}${t() ? `, from ${amount(total(state.path[0]))}` : ""}.`,
      ...["e", "d"].map((kind) => counting(kind) === "off" && `The errors ${kind} do not count.`),
      state.label !== null && `The label is clamped to ${state.label}.`,
      state.swept !== null && `The sweep ${state.label === null ? "says" : "expects"} ${state.swept}.`,
      settled !== null && `${ended() ? "Settled" : "So far"}: ${settled}.`,
      again !== null && `Swept again: ${again}.`,
      blank() && (scant() ? "Too little ink to tell. There is no answer." : "Nothing is given. There is no answer."),
      risen() && "The energy has risen: the step is too long. There is no answer.",
      state.diverged && "It blew up: the energy grew without bound, as the step is too long. There is no answer.",
    ];
    const asks = name || told.endsWith("-then") ? $("told").querySelector(".live-now").textContent.replace(/\s+/g, " ") : "";
    sayOnce(told, name && ended() && guess !== null ? `${asks} ${$("guessed").textContent}` : asks, said.filter(Boolean).join(" "));
  }

  // Before an experiment runs the reader says what will come of it; what came is measured, and held against that.
  const GUESSES = {
    hidden: { words: ["still 3", "an 8", "neither"], came: (settled) => (settled === 3 ? 0 : settled === 8 ? 1 : 2) },
    drawn: { words: ["a 3", "another digit", "no digit"], came: () => (looksLike(3) ? 0 : [...Array(10).keys()].some(looksLike) ? 1 : 2) },
    "one-way": {
      words: ["a 3", "only read as 3", "neither"],
      came: (_, again) => (looksLike(3) ? 0 : again === 3 ? 1 : 2),
    },
    lie: {
      words: ["yes, all", "a part", "none"],
      came: () => [0.01, 0.999, Infinity].findIndex((share) => total(state.path[t()]) < share * total(state.path[0])),
    },
    "too-long": { words: ["sooner", "it swings", "it blows up"], came: () => (state.diverged ? 2 : risen() ? 1 : 0) },
  };
  let guess = null; // which of the three
  function showGuess(name, settled, again) {
    const { words, came } = GUESSES[name] ?? { words: [] };
    const over = ended() && words.length > 0;
    $("guess").classList.toggle("live-none", !words.length || (over && guess === null));
    const buttons = [...$("guess").querySelectorAll("button")];
    buttons.forEach((button, k) => {
      button.hidden = over;
      if (words[k]) button.textContent = words[k];
      button.setAttribute("aria-pressed", k === guess);
      setOff(button, t() > 0 && "A guess comes before the run: Start over, and guess again.");
    });
    const found = over && came(settled, again);
    $("guessed").textContent = !over ? "I say" : guess === null ? "" : guess === found ? `You said: ${words[guess]}. Right.` : `You said: ${words[guess]}. It was: ${words[found]}.`;
  }
  [...$("guess").querySelectorAll("button")].forEach((button, k) => {
    button.addEventListener("click", () => {
      if (t() > 0) return;
      guess = guess === k ? null : k;
      show();
      announce(guess === null ? "Your guess is taken back." : `You say: ${button.textContent}. Press Run.`);
    });
  });

  // Whether what is seen resembles the mean of a digit's images.
  const meanOf = {};
  function looksLike(k) {
    meanOf[k] ??= bpcDigits.labels.reduce((sum, label, n) => (label === k ? sum.map((x, i) => x + digit(n)[i]) : sum), Array(PIXELS).fill(0));
    const [a, b] = [bpc.denormalise(state.z[network.L], settings), meanOf[k]].map((image) => {
      const mean = image.reduce((sum, x) => sum + x, 0) / PIXELS;
      return Array.from(image, (x) => x - mean);
    });
    const product = (x, y) => x.reduce((sum, each, i) => sum + each * y[i], 0);
    return product(a, b) > 0.6 * Math.sqrt(product(a, a) * product(b, b));
  }

  // What is told of an experiment of the reader's own.
  function ownTold() {
    if (blank()) return scant() ? "scant" : "nothing";
    if (blownUp() && !state.running) return "risen";
    if (followed()) return ended() ? `${left}-then` : `${left}-end`; // which asked for it
    if (holdsBlank()) return "held";
    if (drawsOnBlank()) return "freed";
    if (byHand()) return "hand";
    return ended() && t() > 0 ? "done" : "yours";
  }

  // What the words ask for, as a button below them, and in the bar of a phone, where its slider is screens away.
  const STEP_OF_1 = { words: "Set step to 1", title: "Sets the step to 1, and settles at once", does: () => slide("rate", RATES.indexOf(1)) };
  const OFFERS = {
    "lie-end": { words: "Clamp 7", title: "Clamps the label to 7, and settles at once", does: () => clamp(7) },
    "too-long-end": STEP_OF_1,
    risen: STEP_OF_1,
    held: { words: "Hide all", title: "Hides all of the image, and settles at once", does: () => hideAs("all") },
  };
  $("offer").addEventListener("click", () => {
    OFFERS[$("told").querySelector(".live-now").dataset.told]?.does();
    $("run").focus({ preventScroll: true }); // the button that was pressed is gone
  });

  // After a guided experiment, and after one of the reader's own: the next one, in the line that asked for a guess.
  const guided = all("button[data-experiment]");
  const places = guided.map((button) => button.dataset.experiment);
  let last = -1; // the guided experiment that was pressed last
  function showNext(name) {
    const next = last === places.length - 1 ? $("own") : guided[last + 1];
    $("next").hidden = Boolean(name) && !ended();
    $("next").textContent = next === $("own") ? "On to your own" : `On to ${next.textContent}`;
    $("next").onclick = () => {
      next.click();
      if (next !== $("own")) next.focus({ preventScroll: true }); // the button that was pressed is gone
    };
  }

  // Of a label that is clamped: what that costs, and why what comes up to it may be another than the sweep said.
  function aside() {
    if (state.label === null) return "Hide a part of the image, or clamp a label, and it settles anew.";
    if (!costs()) return "A label that you clamped stays until you free it or press Clear.";
    return state.swept === null || expects() === state.swept ? costWords()
      : `${costWords()} The orange marks now say ${expects()}: they come up from layers that the clamp has pulled; the sweep came from the image alone.`;
  }

  function costWords() {
    const found = costs();
    return found ? `The clamp costs ${found.cost}: free, it would have ended at ${found.free}.` : "";
  }

  // What came of an experiment of the reader's own, as it was measured.
  function outcome(settled, again) {
    if (!ended() || !t() || blank() || blownUp()) return "";
    const sums = state.path.map(total);
    const [first, last] = [sums[0], sums[t()]];
    const fell = first - last;
    const lately = sums[t() - Math.ceil(t() / 10)] - last; // in the last tenth of the steps
    const said = [
      settled === null ? null : state.swept === null ? `It settled at ${settled}` : settled === state.swept
        ? `Swept and settled, it says ${settled}` : `The sweep said ${state.swept}, and it settled at ${settled}`,
      again !== null && (settled === null ? `Swept again, it says ${again}` : `swept again, ${again}`),
      fell > 1e-3 * first + 1e-6
        ? `the energy fell from ${short(first)} to ${short(last)} in ${t()} steps, and ${lately > 1e-3 * fell ? "was still falling" : "has come to rest"}`
        : `the energy stayed at ${short(last)}`,
    ].filter(Boolean).join("; ");
    return `${said[0].toUpperCase()}${said.slice(1)}.`;
  }

  // With nothing given there is a sweep all the same, and an energy: of what image, as a blank one is not one alone.
  function blankStart() {
    if (!sweepsUp()) return "It started from an undecided label.";
    return `The sweep was of ${!anyHidden() ? "a white image" : !anySeen() ? "a hidden image, so grey" : "an image part white, part grey"}.`;
  }

  // Where a rule does what looks like a fault, why.
  function why(settled) {
    if (state.label !== null || blank() || blownUp() || !ended()) return "";
    const { moves } = rule();
    if (!moves[0]) return "Nothing has moved: the errors d alone count, and a sweep leaves none. Clamp a label.";
    if (!moves[1] && state.swept !== null && settled !== state.swept) {
      return "The errors e alone move the label, to where the drawing fits best; that need not be what is read best (chapter 8).";
    }
    return "";
  }

  function say(words) {
    if ($("status").textContent !== words) $("status").textContent = words;
  }

  // What an experiment tells is heard once, before the first result beside which it stands.
  let heard = {};
  function sayOnce(told, asks, words) {
    if (told === heard.told && words === heard.words) return;
    say(asks && told !== heard.told ? `${asks} ${words}` : words);
    heard = { told, words };
  }

  // What a press has done is heard at once; what comes of it, once it has settled, even where it is what came before.
  function announce(words) {
    say(words);
    heard.words = null;
  }

  // What a canvas shows, in its name: for who cannot see it.
  function nameCanvases() {
    const name = (canvas, words) => canvas.setAttribute("aria-label", words);
    const z = state.z[0];
    const each = Array.from(z, (value, k) => `label ${k}: ${amount(value, two)}`).join(", ");
    const verdict = state.diverged ? "It blew up" : risen() ? "The energy has risen" : blank() ? (scant() ? "Too little ink to tell" : "Nothing is given") : `The largest is ${bpc.argmax(z)}`;
    name($("bars"), `Activity of each label: ${each}. ${verdict}.`);
    for (const canvas of all(".live-springs")) {
      const l = Number(canvas.dataset.layer);
      const { e, d } = state.found;
      const found = units[l].map((i) => `unit ${i + 1}: z ${amount(state.z[l][i], two)}, e ${amount(e[l][i], two)}, d ${amount(d[l][i], two)}`).join("; ");
      const off = beyond(l).length;
      name(canvas, `Eight units of layer ${l}${off ? `, ${off} of them off the scale` : ""}, each its activity and its errors e and d${uncounted()}: ${found}.`);
    }
    nameGiven();
    const errors = state.found.e[network.L].map((x) => x * settings.pixel_std); // of full ink
    const worst = bpc.argmax(errors.map(Math.abs));
    const apart = Math.sqrt(errors.reduce((sum, x) => sum + x * x, 0) / PIXELS);
    const unweighed = counting("e") === "off" ? "; it does not count" : "";
    name($("expected"), `The image that the generator expects: a pixel of it is ${amount(apart, two)} of full ink from the image, root mean square`);
    name($("error"), `The error of the image: the largest, ${amount(errors[worst], two)} of full ink, in row ${Math.floor(worst / SIDE) + 1}, column ${(worst % SIDE) + 1}${unweighed}`);
    const [first, now] = [state.path[0], state.path[t()]];
    const fell = blownUp() && fall();
    const lowest = fell ? `${short(fell.sums[fell.least])} at step ${fell.least}, ` : "";
    name($("fall"), `The energy in small: ${amount(total(first))} at step 0, ${amount(total(now))} at step ${t()}`);
    name($("chart"), `The energy over the steps: ${followed() && before.length ? `dotted, the run before, which ended at ${amount(before.at(-1))}; ` : ""}${amount(total(first))} at step 0, ${lowest}${amount(total(now))} at step ${t()}; of it ${amount(now.e)} from e, ${amount(now.d)} from d${uncounted()}`);
  }
  const uncounted = () => ["e", "d"].filter((kind) => counting(kind) === "off").map((kind) => `, of which ${kind} does not count`).join("");

  function nameGiven() {
    const drawn = strokes.length ? `${strokes.length} stroke${strokes.length > 1 ? "s" : ""}` : "empty";
    $("pad").setAttribute("aria-label", `Pad, ${drawn}: draw a digit`);
    const seen = state.visible.reduce((sum, pixel) => sum + pixel, 0);
    $("image").setAttribute("aria-label", `The image, ${seen} of ${PIXELS} pixels seen: hide parts of it`);
  }

  function showStep() {
    $("t").value = `${t()} of ${state.steps}`;
    $("brief-t").textContent = paused() ? t() : $("t").value; // "paused at" takes the room
  }

  function show() {
    showImages();
    showLabels();
    all(".live-springs").forEach(showSprings);
    showEnergy();
    showBrief();
    showWords();
    showRead();
    if (there()) root.dataset.state = state.running ? "running" : "still"; // what a test waits for
  }

  function showPad() {
    const { context, width } = fresh($("pad"));
    for (const stroke of strokes) {
      line(context, css(ink), stroke.length > 1 ? stroke.map(([x, y]) => [x * width, y * width]) : point(stroke[0], width), width / 13);
    }
    if (!strokes.length) {
      context.fillStyle = css(ink, 0.55);
      context.font = "0.9rem system-ui, sans-serif";
      context.textAlign = "center";
      context.fillText("draw here", width / 2, width / 2);
    }
    if (byKeys($("pad"))) {
      const [x, y] = cursors.pad.map((c) => c * width);
      context.strokeStyle = css(cursors.down ? red : blue);
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, width / 24, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  const point = ([x, y], width) => [[x * width, y * width], [x * width + 0.01, y * width]];

  function mark(canvas, [x, y]) {
    const context = canvas.getContext("2d");
    context.fillStyle = css(red, 0.8);
    for (const [dx, dy] of [[-2, 0], [2, 0], [0, -2], [0, 2]]) context.fillRect(x + dx, y + dy, 1, 1);
  }

  // What the reader does -------------------------------------------------------------------------------------------

  const cursors = { pad: [0.5, 0.2], image: [14, 14], down: false, stroke: null };
  const RUBBER = 0.07; // its radius, of the pad
  let tool = "pen";
  let held = false; // whether a pointer holds the pen, or the brush
  const penDown = () => held || cursors.down;
  let due = 0; // a frame in which the pad is drawn anew
  let brush = 0; // what a drag over the image makes its pixels: hidden, 0, or seen, 1

  function press(buttons, chosen) {
    buttons.forEach((b) => b.setAttribute("aria-pressed", b === chosen));
  }

  // The image is what was drawn. While a stroke goes on, the sweep answers; once it ends, the network settles.
  function drawn(run) {
    cancelAnimationFrame(due);
    due = 0;
    state.pixels = drawing.asMnist(strokes);
    state.visible.fill(1);
    showPad();
    begin(run);
  }

  // Where a pointer is: from 0 to 1 on the canvas, and beyond that outside it.
  function place(event, canvas) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  // Follow a pointer from where it goes down to where it goes up, on one canvas.
  function drag(canvas, { down, move, up }) {
    let holds = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || holds !== null) return;
      holds = event.pointerId;
      held = true;
      canvas.setPointerCapture(holds);
      canvas.dataset.pointer = "";
      canvas.focus({ preventScroll: true });
      event.preventDefault();
      down(...place(event, canvas));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== holds) return;
      for (const each of event.getCoalescedEvents?.() ?? []) move(...place(each, canvas));
      move(...place(event, canvas));
    });
    for (const type of ["keydown", "blur"]) canvas.addEventListener(type, () => delete canvas.dataset.pointer);
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId !== holds) return;
        holds = null;
        held = false;
        up();
      });
    }
  }

  let stroke = null;
  let trace = []; // of the pen or the rubber, without gaps however fast it goes
  let leaves = null; // what the one that is held does at a point
  const rub = ([x, y]) => (strokes = drawing.rubbed(strokes, x, y, RUBBER));
  // A stroke ends at the edge of the pad; where the pen comes back, another begins.
  function write(point) {
    if (point.some((c) => c !== between(c, 0, 1))) stroke = null;
    else if (stroke) stroke.push(point);
    else strokes.push((stroke = [point]));
  }
  drag($("pad"), {
    down(x, y) {
      lift();
      newImage();
      trace = [[x, y]];
      leaves = tool === "pen" ? write : rub;
      leaves(trace[0]);
      drawn(false);
    },
    move(x, y) {
      const before = trace.length;
      drawing.extend(trace, x, y);
      for (const point of trace.slice(before)) leaves(point);
      redraw();
    },
    up() {
      stroke = null;
      drawn(true);
    },
  });

  // Once a frame, however often the pointer moves.
  function redraw() {
    due ||= requestAnimationFrame(() => drawn(false));
  }

  function lift() {
    if (!cursors.down) return;
    cursors.down = false;
    cursors.stroke = null;
    drawn(true);
  }

  // Where the keys are, on the pad, of 25 rows and columns.
  function sayPlace() {
    const [column, row] = cursors.pad.map((c) => Math.ceil(25 * c - 1e-6));
    say(`Row ${row}, column ${column} of 25, ${tool} ${cursors.down ? "down" : "up"}.`);
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  $("pad").addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (way) {
      cursors.pad = cursors.pad.map((c, i) => between(c + way[i] * (event.shiftKey ? 0.01 : 0.04), 0.02, 0.98));
      if (cursors.stroke) drawing.extend(cursors.stroke, ...cursors.pad);
      else if (cursors.down) rub(cursors.pad);
      cursors.down ? drawn(false) : showPad();
      sayPlace();
    } else if (event.key === " " || event.key === "Enter") {
      if (cursors.down) {
        lift();
        sayPlace();
      } else {
        newImage();
        cursors.down = true;
        if (tool === "pen") strokes.push((cursors.stroke = [[...cursors.pad]]));
        else rub(cursors.pad);
        drawn(false);
        sayPlace();
      }
    } else if (event.key === "Delete" || event.key === "Backspace") {
      $("clear").click();
    } else return;
    event.preventDefault();
  });
  $("pad").addEventListener("focus", showPad);
  $("pad").addEventListener("blur", () => {
    lift();
    showPad();
  });

  $("pen").addEventListener("click", () => {
    lift();
    tool = "pen";
    press([$("pen"), $("rubber")], $("pen"));
  });
  $("rubber").addEventListener("click", () => {
    lift();
    tool = "rubber";
    press([$("pen"), $("rubber")], $("rubber"));
  });
  $("clear").addEventListener("click", () => {
    own.label = null;
    $("pen").click(); // a rubber has nothing to do on an empty pad
    newImage();
    cursors.down = false;
    cursors.stroke = null;
    strokes = [];
    drawn(true);
  });

  // Hiding.

  const REACH = 2.2; // pixels, of the brush that hides
  function dab(x, y) {
    for (let i = 0; i < PIXELS; i++) {
      const far = Math.hypot((i % SIDE) + 0.5 - x * SIDE, Math.floor(i / SIDE) + 0.5 - y * SIDE);
      if (far <= REACH) state.visible[i] = brush;
    }
  }

  let way = []; // of the brush, without gaps however fast it goes
  drag($("image"), {
    down(x, y) {
      leaveExperiment();
      way = [[x, y]];
      dab(x, y);
      begin(false);
    },
    move(x, y) {
      const before = way.length;
      drawing.extend(way, x, y);
      for (const point of way.slice(before)) dab(...point);
      begin(false);
    },
    up: () => begin(),
  });

  function sayPixel() {
    const [column, row] = cursors.image;
    say(`Row ${row + 1}, column ${column + 1} of ${SIDE}, ${state.visible[SIDE * row + column] ? "seen" : "hidden"}.`);
  }

  $("image").addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (way) {
      cursors.image = cursors.image.map((c, i) => between(c + way[i] * (event.shiftKey ? 1 : 3), 1, SIDE - 2));
      show();
      sayPixel();
    } else if (event.key === " " || event.key === "Enter") {
      leaveExperiment();
      dab((cursors.image[0] + 0.5) / SIDE, (cursors.image[1] + 0.5) / SIDE);
      begin();
      sayPixel();
    } else return;
    event.preventDefault();
  });
  for (const type of ["focus", "blur"]) $("image").addEventListener(type, show);

  const HIDES = {
    fifths: (i) => !bpcDigits.seen.includes(i), // the same pixels each time
    lower: (i) => i >= PIXELS / 2,
    all: () => true,
    none: () => false,
  };

  function hide(which) {
    state.visible = Uint8Array.from({ length: PIXELS }, (_, i) => (HIDES[which](i) ? 0 : 1));
  }

  $("hide").addEventListener("click", () => {
    brush = 0;
    press([$("hide"), $("show")], $("hide"));
  });
  $("show").addEventListener("click", () => {
    brush = 1;
    press([$("hide"), $("show")], $("show"));
  });
  function hideAs(which) {
    leaveExperiment();
    hide(which);
    begin();
  }
  for (const button of all("[data-hide]")) button.addEventListener("click", () => hideAs(button.dataset.hide));

  // The label.

  function clamp(label) {
    leaveExperiment();
    state.label = own.label = label;
    if (holdsBlank() && !anyHidden()) hide("all"); // who has drawn nothing wants to see what the label draws
    begin();
  }

  [...$("labels").children].forEach((button, k) => {
    button.addEventListener("click", () => clamp(state.label === k ? null : k));
  });
  $("free").addEventListener("click", () => {
    clamp(null);
    $("labels").querySelector("[tabindex='0']").focus({ preventScroll: true }); // the button that was pressed is off now
  });

  // Digits of the test set, ten at a time, one of each.

  const digits = bpc.bytes(bpcDigits.images);
  const digit = (index) => Float64Array.from(digits.subarray(PIXELS * index, PIXELS * (index + 1)), (p) => p / 255);
  let shown = 0;

  function take(index) {
    strokes = [];
    cursors.down = false;
    cursors.stroke = null;
    state.pixels = digit(index);
    state.visible.fill(1);
    showPad();
  }

  const thumbs = [...$("thumbs").children];

  function showThumbs() {
    thumbs.forEach((button, k) => {
      const pixels = digit(shown + k);
      button.setAttribute("aria-label", `Take this ${bpcDigits.labels[shown + k]}`);
      paint(button.firstChild, (i) => [ink, pixels[i]]);
    });
  }

  thumbs.forEach((button, k) => {
    button.addEventListener("click", () => {
      newImage();
      take(shown + k);
      begin();
    });
  });
  $("others").addEventListener("click", () => {
    shown = (shown + 10) % bpcDigits.labels.length;
    showThumbs();
  });

  // Settling.

  $("run").addEventListener("click", () => {
    if (state.running) return pause();
    if (ended()) begin(false);
    settle();
  });
  function oneStep() {
    if (!there()) return later(oneStep, ...waiting);
    if (ended()) return;
    state.running = false;
    step();
    show();
  }
  $("step").addEventListener("click", oneStep);
  $("back").addEventListener("click", () => begin(false));

  // Whether a setting counts: a rule without some errors does not weigh them.
  const WEIGHED = ["alpha_gen", "alpha_disc"];
  const counts = (of, name) => !WEIGHED.includes(name) || bpc.RULES[of.rule].moves[WEIGHED.indexOf(name)] > 0;

  function showSettings() {
    const slide = (name, position, text, on = true) => {
      $(name).value = position;
      $(name).disabled = !on;
      const said = on ? text : "off";
      $(name).setAttribute("aria-valuetext", said);
      $(name).parentElement.querySelector("output").value = said;
    };
    const log = (alpha) => Math.round(2 * Math.log10(alpha));
    slide("alpha-gen", log(state.alpha_gen), two(state.alpha_gen), counts(state, "alpha_gen"));
    slide("alpha-disc", log(state.alpha_disc), two(state.alpha_disc), counts(state, "alpha_disc"));
    slide("rate", RATES.indexOf(state.rate), `${state.rate}`);
    slide("steps", STEPS.indexOf(state.steps), `${state.steps}`);
    for (const radio of all("[name=live-rule]")) radio.checked = radio.value === state.rule;
    const changed = (of) => Object.keys(SETTINGS).some((name) => of[name] !== SETTINGS[name]);
    $("reset").disabled = !changed(state) && !changed(own);
  }

  // What the reader set by hand, in words: what holds, and what an experiment has put aside.
  function byHand() {
    const words = {
      rule: bpc.RULES[own.rule].name,
      alpha_gen: `e weighs ${two(own.alpha_gen)}`,
      alpha_disc: `d weighs ${two(own.alpha_disc)}`,
      rate: `step ${own.rate}`,
      steps: `${own.steps} steps`,
    };
    const set = Object.keys(words).filter((name) => own[name] !== SETTINGS[name] && counts(own, name));
    const holds = (name) => own[name] === state[name] && counts(state, name);
    const list = (names) => names.map((name) => words[name]).join(", ");
    const [now, later] = [list(set.filter(holds)), list(set.filter((name) => !holds(name)))];
    return [
      now && `These settings of yours hold for every image: ${now}.`,
      later && `These settings of yours come back with the next image: ${later}.`,
    ].filter(Boolean).join(" ");
  }

  $("reset").addEventListener("click", () => {
    leaveExperiment();
    for (const settings of [state, own]) Object.assign(settings, SETTINGS);
    choose(SETTINGS.rule, begin);
    $("steps").focus({ preventScroll: true }); // the button that was pressed is off now
  });

  const SLIDERS = {
    "alpha-gen": (value) => ({ alpha_gen: ALPHA(value) }),
    "alpha-disc": (value) => ({ alpha_disc: ALPHA(value) }),
    rate: (value) => ({ rate: RATES[value] }),
    steps: (value) => ({ steps: STEPS[value] }),
  };
  function slide(name, value) {
    leaveExperiment();
    for (const settings of [state, own]) Object.assign(settings, SLIDERS[name](value));
    showSettings();
    begin();
  }
  for (const name in SLIDERS) $(name).addEventListener("input", () => slide(name, Number($(name).value)));

  // Another rule has weights of its own, which come when they are first asked for.
  let chosen = null; // the choice that counts, of those that wait
  async function choose(name, then) {
    const mine = (chosen = {});
    state.rule = name;
    state.running = false;
    waiting = [];
    showSettings();
    root.dataset.state = "waiting";
    if (!globalThis.bpcNetworks?.[name]) {
      say(`The weights of ${rule().name} come.`);
      $("run").textContent = "Loading";
    }
    try {
      const stored = await load(name);
      if (chosen !== mine) return; // another one was chosen meanwhile
      network = stored.network;
      settings = stored.settings;
    } catch {
      if (chosen !== mine) return;
      waiting = [];
      $("run").textContent = "Run";
      say(`The weights of ${rule().name} did not come: load the page again.`);
      root.dataset.state = "failed"; // the status is then seen by all
      return;
    }
    chooseUnits();
    then();
    for (const act of waiting.splice(0)) act();
  }

  // Of each hidden layer the units that differ most from one digit to the next, always the same ones.
  function chooseUnits() {
    const sweeps = Array.from({ length: 30 }, (_, index) => {
      const image = bpc.normalise(digit(index), settings);
      return sweepsUp() ? bpc.sweepUp(network, image) : bpc.sweepDown(network, bpc.oneHot(index % 10));
    });
    for (const l of [1, 2]) {
      const spread = [...sweeps[0][l].keys()].map((i) => {
        const values = sweeps.map((z) => z[l][i]);
        const mean = values.reduce((a, b) => a + b) / values.length;
        return values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
      });
      units[l] = [...spread.keys()].sort((a, b) => spread[b] - spread[a]).slice(0, 8);
    }
  }

  for (const radio of all("[name=live-rule]")) {
    radio.addEventListener("change", () => {
      leaveExperiment();
      own.rule = radio.value;
      choose(radio.value, begin);
    });
  }

  // Guided experiments: each puts all of the page into a state, asks for a guess, and waits for Run.

  const EXPERIMENTS = {
    hidden: {
      digit: 58,
      hides: "fifths",
    },
    drawn: {
      digit: 3,
      hides: "all",
      label: 3,
    },
    "one-way": {
      rule: "discriminative",
      digit: 3,
      hides: "all",
      label: 3,
    },
    lie: {
      digit: 7,
      label: 6,
      steps: 100,
    },
    "too-long": {
      digit: 7,
      rate: 3,
      steps: 50,
    },
  };

  // What the end of an experiment proposes to change; one line then closes the comparison.
  const FOLLOW_UPS = { lie: { label: 7 }, "too-long": { rate: 1 } };
  let left = null; // the experiment whose image is still there
  let lied = null; // where the lie ended, and what it cost, for when the truth has settled beside it
  let before = []; // the energies of its end, to see beside those of what it asks for
  function followed() {
    if (!FOLLOW_UPS[left]) return false;
    const { digit: _, ...chosen } = EXPERIMENTS[left];
    return !anyHidden() && Object.entries({ ...PLAIN, ...chosen, ...FOLLOW_UPS[left] }).every(([name, value]) => state[name] === value);
  }

  function leaveExperiment() {
    if (!root.dataset.experiment) return;
    left = root.dataset.experiment;
    before = state.diverged ? [] : state.path.map(total);
    if (left === "lie") lied = ended() && costs() ? { was: costs().end, lie: costs().cost } : null;
    delete root.dataset.experiment;
  }

  // An image of the reader's own: what an experiment had set is given back, and what the reader set holds.
  function newImage() {
    leaveExperiment();
    left = null;
    const { rule: ruleName, ...others } = own;
    Object.assign(state, others);
    if (state.rule !== ruleName) choose(ruleName, () => begin(!penDown()));
    else showSettings();
  }

  // The page holds all texts, in the same place, and one is seen: so nothing moves under a finger when it changes.
  function tell(name) {
    for (const span of $("told").children) span.classList.toggle("live-now", span.dataset.told === name);
  }

  function experiment(name) {
    choose(setUp(name), () => begin(false));
  }
  function setUp(name) {
    const { rule: ruleName, digit: index, hides, ...chosen } = { ...PLAIN, hides: "none", ...EXPERIMENTS[name] };
    root.dataset.experiment = name;
    last = places.indexOf(name);
    left = null;
    own.label = null;
    guess = null;
    heard = {}; // what it asks is heard again
    take(index);
    hide(hides);
    Object.assign(state, chosen);
    return ruleName;
  }

  // The first experiment is seen before any weights: its sweep is stored.
  function first() {
    const floats = (texts) => texts.map((text) => Float64Array.from(new Float32Array(bpc.bytes(text).buffer)));
    const { sizes, z, e } = bpcFirst;
    network = { sizes, L: sizes.length - 1 };
    settings = bpcFirst.settings;
    Object.assign(units, bpcFirst.units);
    setUp("hidden");
    state.z = floats(z);
    state.found = { e: floats(e), d: state.z.map((z_l) => new Float64Array(z_l.length)) }; // a sweep up leaves no d
    state.swept = bpc.argmax(state.z[0]);
    showSettings();
    started(false);
    root.dataset.state = "still";
    for (const type of ["pointerdown", "keydown", "focusin"]) root.addEventListener(type, wake, true);
    root.addEventListener("pointerover", wake, { once: true });
  }

  $("own").addEventListener("click", (event) => {
    last = -1;
    $("clear").click();
    $("drawn").scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" });
    if (event.detail) $("pad").dataset.pointer = ""; // who comes by a finger or a mouse draws by it: no ring of the keys
    $("pad").focus({ preventScroll: true });
  });
  for (const button of guided) button.addEventListener("click", () => experiment(button.dataset.experiment));

  // The page's theme and size.

  function repaint() {
    mixColours();
    showThumbs();
    showPad();
    show();
  }

  new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.addEventListener("pageshow", showSettings); // a browser that comes back fills in what stood here
  all("[role=toolbar]").forEach(oneStop);
  sayWhyOff(root, say);
  mixColours();
  showThumbs();
  first();
  new ResizeObserver(() => {
    showPad();
    show();
  }).observe(root);
})();
