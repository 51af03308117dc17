// Chapter 1: a guess on two springs. It descends its energy, as `settle_guess` does there.

bpcFigures.add("springs", (root) => {
  "use strict";
  const { AHEAD, amount, axes, between, draw, FAINT, handle, ink, number, panel, path, pen, text, wild } = bpcFigures;

  const STEPS = 20;
  const DOMAIN = [-0.4, 6.4]; // kilometres
  const state = { z_0: 2, z_2: 3, alpha_1: 1, alpha_2: 2, first: 5, step_size: 0.1, at: 0 };

  // The method: Equations 2 to 5 of the chapter.
  const energy = (z) => (state.alpha_1 / 2) * (z - state.z_0) ** 2 + (state.alpha_2 / 2) * (state.z_2 - z) ** 2;
  const slope = (z) => state.alpha_1 * (z - state.z_0) - state.alpha_2 * (state.z_2 - z);
  const curvature = () => state.alpha_1 + state.alpha_2;
  const rest = () => (state.alpha_1 * state.z_0 + state.alpha_2 * state.z_2) / curvature();
  function settle() {
    const guesses = [state.first];
    for (let t = 0; t < STEPS; t++) guesses.push(guesses[t] - state.step_size * slope(guesses[t]));
    return guesses;
  }

  const REGIMES = {
    creeps: { share: 0.3, words: "less than 1/c: it creeps up from one side" },
    arrives: { share: 1, words: "1/c: one step is enough, whatever the start" },
    swings: { share: 1.8, words: "between 1/c and 2/c: it overshoots and swings in" },
    flies: { share: 2.1, words: "more than 2/c: each swing is larger than the last, and the energy rises" },
  };
  function regime() {
    const share = state.step_size * curvature();
    if (Math.abs(share - 1) < 0.005) return "arrives";
    return share < 1 ? "creeps" : share < 2 ? "swings" : "flies";
  }

  // Of the energies shown, the highest: 20, and more where springs that pull apart leave the bowl's floor high.
  const top = () => 20 * Math.ceil(Math.max(energy(rest()) + 8, 20) / 20);

  const bowl = panel(root, "a");
  const way = panel(root, "b");
  const button = (name) => root.querySelector(`button[name=${name}]`);
  const say = bpcFigures.says(root);

  // a: the bowl, and below it the springs, over the same kilometres.
  const BOX = [36, 22, 334, 258];
  const FLOOR = 168; // where the bowl's energy is 0
  const SPRINGS = { z_0: 199, z_2: 237 }; // their heights
  const X = (z) => BOX[0] + ((z - DOMAIN[0]) / (DOMAIN[1] - DOMAIN[0])) * (BOX[2] - BOX[0]);
  const kilometres = (x) => DOMAIN[0] + ((x - BOX[0]) / (BOX[2] - BOX[0])) * (DOMAIN[1] - DOMAIN[0]);
  const Y = (E) => FLOOR - (between(E, 0, top()) / top()) * (FLOOR - BOX[1]);
  const inside = (z) => between(z, DOMAIN[0] + 0.1, DOMAIN[1] - 0.1); // what flies off waits at the edge

  function spring(g, end, guess, y, name, stiffness) {
    const turns = 8 + 4 * Math.round(stiffness);
    const [from, to] = [X(end), X(inside(guess))];
    const points = Array.from({ length: turns + 1 }, (_, n) => [
      from + ((to - from) * n) / turns,
      y + (n % turns ? (n % 2 ? -5 : 5) : 0),
    ]);
    draw(g, "path", { d: path(points), style: pen(name, 0.9 + 0.6 * stiffness, "stroke-linejoin: round") });
  }

  // A triangle that points away, [0, -1] up.
  function arrow(g, x, y, [across, up], size, style = ink("green")) {
    const tip = [x + across * size, y + up * size];
    const ends = [-1, 1].map((side) => [x - across * size + side * up * size, y - up * size + side * across * size]);
    draw(g, "path", { d: `${path([tip, ...ends])}Z`, style });
  }

  function showBowl(guesses) {
    const g = bowl.drawn;
    g.replaceChildren();
    axes(bowl, {
      box: BOX, x: DOMAIN, y: [0, 1], title: "energy *E* of a guess", xlabel: "kilometres", xticks: [0, 1, 2, 3, 4, 5, 6],
    });
    for (const E of [0, top() / 2, top()]) {
      draw(g, "path", { d: path([[BOX[0], Y(E)], [BOX[0] - 3.5, Y(E)]]), style: pen("ink", 0.8) });
      text(g, BOX[0] - 6, Y(E) + 4.5, String(E), { anchor: "end" });
    }
    const curve = Array.from({ length: 137 }, (_, n) => DOMAIN[0] + (n / 136) * (DOMAIN[1] - DOMAIN[0]));
    const TOP = top();
    draw(g, "path", { d: path(curve.filter((z) => energy(z) <= TOP).map((z) => [X(z), Y(energy(z))])), style: pen("ink", 1.3, FAINT) });
    const at = guesses[state.at];
    guesses.forEach((z, t) => {
      if (t === state.at || z !== inside(z) || energy(z) > TOP) return;
      const look = t < state.at ? ink("green") : pen("green", 1, AHEAD); // behind it, and before it
      draw(g, "circle", { cx: X(z), cy: Y(energy(z)), r: t < state.at ? 2.6 : 3.2, style: look });
    });
    // The slope, where the ball is: a piece of the tangent.
    const here = inside(at);
    if (energy(here) <= TOP) {
      const rise = (slope(here) * (FLOOR - BOX[1])) / TOP / ((BOX[2] - BOX[0]) / (DOMAIN[1] - DOMAIN[0])); // pixels up a pixel right
      const reach = 34 / Math.hypot(1, rise);
      const most = { up: Y(energy(here)) - BOX[1] + 3, down: FLOOR + 12 - Y(energy(here)) }; // within the panel
      const tangent = [-1, 1].map((side) => {
        const down = -side * reach * rise;
        const share = Math.min(1, (down < 0 ? most.up : most.down) / Math.max(Math.abs(down), 1e-9));
        return [X(here) + side * reach * share, Y(energy(here)) + down * share];
      });
      draw(g, "path", { d: path(tangent), style: pen("red", 2) });
    }
    // What the picture has no room for, it says: the ball waits at the edge, and beside it stands where it is.
    const side = here === at ? 0 : at > here ? 1 : -1;
    const room = X(here) > (BOX[0] + BOX[2]) / 2 ? -1 : 1;
    const beside = { anchor: room < 0 ? "end" : "start", name: "green" };
    if (energy(at) > TOP) {
      arrow(g, X(here), BOX[1], [0, -1], 6);
      text(g, X(here) + 12 * room, BOX[1] + 14, wild(energy(at)) ? "*E* off the scale ↑" : `*E* = ${number(energy(at))} ↑`, beside);
    } else draw(g, "circle", { cx: X(here), cy: Y(energy(here)), r: 6, style: ink("green") });
    if (side) text(g, X(here) + 14 * room, 222, side > 0 ? `${amount(at, 2, " km")} →` : `← ${amount(at, 2, " km")}`, beside);
    // The springs.
    spring(g, state.z_0, at, SPRINGS.z_0, "blue", state.alpha_1);
    spring(g, state.z_2, at, SPRINGS.z_2, "ochre", state.alpha_2);
    draw(g, "path", { d: path([[X(here), SPRINGS.z_0 - 4], [X(here), SPRINGS.z_2 + 4]]), style: pen("ink", 2, FAINT) });
    for (const [name, shade, words] of [["z_0", "blue", "expected"], ["z_2", "ochre", "seen"]]) {
      const y = SPRINGS[name];
      ends[name].at(X(state[name]), y);
      const room = name === "z_0" ? 36 : 24; // for half of the words
      const x = between(X(state[name]), BOX[0] + room, BOX[2] - room);
      text(g, x, name === "z_0" ? y - 14 : y + 18, words, { name: shade });
    }
    ball.at(X(here), (SPRINGS.z_0 + SPRINGS.z_2) / 2);
  }

  // b: the guess over the steps, and what the step is beside the curvature.
  const BAND = { y: 276, high: 14 };
  const G = (size) => 36 + size * 298; // of step sizes 0 to 1

  function showWay(guesses) {
    const g = way.drawn;
    g.replaceChildren();
    const { X: T, Y: Z } = axes(way, {
      box: [36, 22, 334, 190], x: [-0.5, STEPS + 0.3], y: DOMAIN, title: "step by step", xlabel: "step of inference",
      ylabel: "guess *z*_1 (km)", xticks: [0, 4, 8, 12, 16, 20], yticks: [0, 2, 4, 6],
    });
    draw(g, "path", { d: path([[36, Z(rest())], [334, Z(rest())]]), style: pen("ink", 1.1, `stroke-dasharray: 5 3; ${FAINT}`) });
    // The way that it will go, and over it the way that it has gone, cut off at the edges; an arrow is a guess beyond.
    const frame = { x: 36, y: 22, width: 298, height: 168, viewBox: "36 22 298 168", style: "overflow: hidden", "aria-hidden": "true" };
    const within = draw(g, "svg", frame);
    const line = guesses.map((z, t) => [T(t), between(Z(z), -1e4, 1e4)]);
    draw(within, "path", { d: path(line), style: pen("green", 1, AHEAD) });
    draw(within, "path", { d: path(line.slice(0, state.at + 1)), style: pen("green", 2.2) });
    guesses.forEach((z, t) => {
      const look = t <= state.at ? ink("green") : pen("green", 1, AHEAD);
      const edge = between(z, ...DOMAIN);
      const now = t === state.at;
      if (z === edge) draw(g, "circle", { cx: T(t), cy: Z(z), r: now ? 5 : 2.6, style: look });
      else arrow(g, T(t), Z(edge) + (z > edge ? 5 : -5), [0, z > edge ? -1 : 1], now ? 6 : 3.5, look);
      if (!now || z === edge) return;
      text(g, 334, 13, amount(z, 2, " km"), { anchor: "end", name: "green" }); // above the lines, which would cross it out
    });
    // The step sizes from 0 to 1, in their regimes.
    const c = curvature();
    const ends = [0, 1 / c, 2 / c, Infinity].map((x) => Math.min(x, 1));
    ["creeps", "swings", "flies off"].forEach((words, i) => {
      const [from, to] = [G(ends[i]), G(ends[i + 1])];
      if (to - from < 1) return;
      const shade = ["green", "ochre", "red"][i];
      draw(g, "rect", { x: from, y: BAND.y, width: to - from, height: BAND.high, style: ink(shade, "opacity: 0.22") });
      if (to - from > 58) text(g, (from + to) / 2, BAND.y - 6, words, { name: shade });
    });
    text(g, 334, BAND.y - 6 - 16, `step size *γ*; *c* = ${number(c, 2)}`, { anchor: "end" });
    for (const [name, at] of [["1/c", 1 / c], ["2/c", 2 / c]]) {
      if (at >= 1) continue;
      draw(g, "path", { d: path([[G(at), BAND.y - 3], [G(at), BAND.y + BAND.high + 3]]), style: pen("ink", 1.2) });
    }
    marker.at(G(between(state.step_size, 0, 1)), BAND.y + BAND.high / 2);
  }

  function show(spoken = true) {
    const guesses = settle();
    showBowl(guesses);
    showWay(guesses);
    showSliders();
    const now = regime();
    bpcFigures.setOff(button("one"), state.at === STEPS, "Let go begins again");
    for (const name of Object.keys(REGIMES)) button(name).setAttribute("aria-pressed", name === now);
    button("go").textContent = run.running() ? "Pause" : "Let go";
    say(words(state.at, guesses), !spoken || run.running());
    showBar(guesses.map(energy));
  }

  function words(at, guesses = settle()) {
    const z = guesses[at];
    // From where the pulls cancel no step, however long, leads away.
    const goes = Math.abs(state.first - rest()) < 0.005 ? "no matter here: it began where the pulls cancel, and stays" : REGIMES[regime()].words;
    const now_at = wild(energy(z))
      ? ", guess and energy are off the scale: the step is too long"
      : `: guess ${number(z)} km, energy ${number(energy(z))}, slope ${number(slope(z))}`;
    return `After ${at} of ${STEPS} steps${now_at}. The pulls cancel at ${number(rest())} km. A step of ${number(state.step_size)} is ${goes}.`;
  }

  // On a phone, where a panel may be out of sight: a small line of the energy over the steps, between its ends.
  const bar = root.querySelector(".lf-bar");
  const strip = bar.querySelector("svg");
  function showBar(energies) {
    const power = (E) => between(Math.log10(Math.max(E, 1e-9)), -2, 5);
    const [low, high] = [Math.min, Math.max].map((most) => most(...energies.map(power)));
    const points = energies.map((E, t) => [3 + (t / STEPS) * 114, 21 - ((power(E) - low) / Math.max(high - low, 0.2)) * 18]);
    strip.replaceChildren();
    draw(strip, "path", { d: path(points), style: pen("green", 1, AHEAD) });
    draw(strip, "path", { d: path(points.slice(0, state.at + 1)), style: pen("green", 2.2) });
    const [cx, cy] = points[state.at];
    draw(strip, "circle", { cx, cy, r: 3, style: ink("green") });
    bar.querySelector("b").textContent = amount(energies[state.at]);
    bar.querySelector("span").textContent = `step ${state.at} of ${STEPS}`;
  }

  const run = bpcFigures.runner(() => ++state.at < STEPS, () => show(), say.foretell, () => words(STEPS));
  function settleFrom(at) {
    run.stop();
    state.at = at;
    run.start();
  }

  // Things that are dragged; what each does, a slider does too.
  function pulled(name) {
    return (x) => {
      run.stop();
      state[name] = between(Math.round(kilometres(x) * 10) / 10, 0, 6);
      if (name === "first") state.at = 0;
      show(false);
    };
  }
  const ends = {};
  for (const [name, shade] of [["z_0", "blue"], ["z_2", "ochre"]]) {
    ends[name] = handle(bowl, { moved: pulled(name), let_go: () => settleFrom(0) });
    draw(ends[name], "rect", { x: -3, y: -10, width: 6, height: 20, rx: 1, style: ink(shade) });
  }
  const ball = handle(bowl, { moved: pulled("first"), let_go: () => settleFrom(0) });
  draw(ball, "circle", { r: 10, style: ink("green") });
  const marker = handle(way, {
    moved(x) {
      run.stop();
      state.step_size = between(Math.round(((x - 36) / 298) * 100) / 100, 0.01, 1);
      show(false);
    },
    let_go: () => settleFrom(0),
  });
  draw(marker, "path", { d: "M0 -9L6 0L0 9L-6 0Z", style: ink("ink") });

  const showSliders = bpcFigures.sliders(root, state, (name, done) => {
    run.stop();
    if (name === "first") state.at = 0;
    if (done) settleFrom(0);
    else show(false);
  });
  button("go").addEventListener("click", () => {
    if (!run.running()) return settleFrom(state.at < STEPS ? state.at : 0);
    run.stop();
    show();
  });
  button("one").addEventListener("click", () => {
    run.stop();
    state.at = Math.min(state.at + 1, STEPS);
    show();
  });
  for (const [name, { share }] of Object.entries(REGIMES)) {
    button(name).addEventListener("click", () => {
      state.step_size = share / curvature();
      settleFrom(0);
    });
  }
  show(false);
  return { state, settle, energy, slope, rest, regime };
});
