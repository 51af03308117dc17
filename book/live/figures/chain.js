// Chapter 1: a deep chain settles, and the news of an observation travels up, one layer a step. The chain is the first of the
// chapter's forty, drawn by the chapter's own code as the book was built.

bpcFigures.add("chain", (root) => {
  "use strict";
  const { axes, between, draw, ink, number, panel, path, pen, text } = bpcFigures;

  const given = bpcFigures.data(root);
  const L = given.generator.length;
  const AT = [...Array(11).keys(), 12, 14, 17, 20, 25, 30, 40, 50, 65, 80, 100, 125, 150, 200, 250, 300, 350, 400, 450, 500, 600]; // steps shown
  const state = { place: 0, step_size: 0.1, tenths: 0 };
  const input = (name) => root.querySelector(`input[name=${name}]`);
  input("place").dataset.names = AT.join("|");
  const TRUST = [...Array(9).keys()].map((n) => 10 ** ((n - 8) / 4));
  input("tenths").dataset.names = TRUST.map((trust) => number(trust, trust < 0.1 ? 3 : 2)).join("|");

  // The method: Equations 9 and 4 of the chapter, of one example; biases are 0, and precisions 1 but the last, the trust.
  const act = (l, z) => (l === 0 ? z : z.map(Math.tanh));
  const times = (V, x) => V.map((row) => row.reduce((sum, w, j) => sum + w * x[j], 0));
  const errors = (z) => [null, ...given.generator.map((V, l) => times(V, act(l, z[l])).map((f, i) => z[l + 1][i] - f))];
  const precision = (l) => (l === L ? TRUST[state.tenths + 8] : 1);
  function step(z) {
    const e = errors(z);
    return z.map((z_l, l) => {
      if (l === 0 || l === L) return z_l;
      return z_l.map((z_i, i) => {
        const sentBack = given.generator[l].reduce((sum, row, k) => sum + row[i] * e[l + 1][k], 0) * precision(l + 1);
        return z_i - state.step_size * (precision(l) * e[l][i] - (1 - Math.tanh(z_i) ** 2) * sentBack);
      });
    });
  }
  const energy = (z) => errors(z).reduce((sum, e, l) => sum + (l ? (precision(l) / 2) * e.reduce((s, x) => s + x * x, 0) : 0), 0);
  // Five examples settle side by side; all states of all steps are kept.
  let paths = [];
  let swings = false; // whether it still moves at the end
  function settle() {
    paths = given.expected.map((expected, n) => {
      const z = [expected];
      for (let l = 0; l < L - 1; l++) z.push(times(given.generator[l], act(l, z[l]))); // the sweep
      const found = [[...z, given.observed[n]]];
      for (let t = 0; t < AT[AT.length - 1]; t++) found.push(step(found[t]));
      return found;
    });
    const last = paths.flatMap((found) => found[found.length - 1].flatMap((z_l, l) => z_l.map((x, i) => Math.abs(x - found[found.length - 2][l][i]))));
    swings = Math.max(...last) > 0.01;
  }
  // How far layer l has moved: the largest change in the five examples.
  const moved = (l, t) => Math.max(...paths.map((found) => Math.max(...found[t][l].map((x, i) => Math.abs(x - found[0][l][i])))));

  const left = panel(root, "a");
  const right = panel(root, "b");
  const button = (name) => root.querySelector(`button[name=${name}]`);
  const say = bpcFigures.says(root);
  const LOOKS = { 4: ["blue", ""], 3: ["red", "5 2.5"], 2: ["green", "8 3 2 3"], 1: ["purple", "2 2.5"] };
  const t = () => AT[state.place];

  // a: a circle a unit, of the first example; one that has moved by 1 or more is full, by a thousandth or less, empty.
  function showChain() {
    const g = left.drawn;
    g.replaceChildren();
    text(g, 24, 13, "a", { anchor: "start", more: "font-weight: 700" });
    text(g, 176, 13, `moved after step ${t()}`);
    const X = (l) => 34 + l * 56;
    const Y = (i, n) => 152 + (i - (n - 1) / 2) * 25;
    const z = paths[0][t()];
    const e = errors(z);
    for (let l = 0; l <= L; l++) {
      const [shade] = LOOKS[l] ?? ["ink"];
      z[l].forEach((x, i) => {
        const at = { cx: X(l), cy: Y(i, z[l].length), r: 9 };
        const far = Math.abs(x - paths[0][0][l][i]);
        const full = between(1 + Math.log10(Math.max(far, 1e-9)) / 3, 0, 1);
        if (full > 0) draw(g, "circle", { ...at, r: 9 * Math.sqrt(full), style: ink(shade) });
        draw(g, "circle", { ...at, style: pen(shade, 1.2) });
        if (l === 0 || l === L) draw(g, "circle", { ...at, r: 3, style: ink("ink") }); // clamped
      });
      text(g, X(l), 290, `*z*_${l}`, { name: shade });
      if (l > 0) {
        const size = Math.sqrt(e[l].reduce((sum, x) => sum + x * x, 0));
        const wide = Number.isFinite(size) ? between(3 * size, 0.6, 10) : 10;
        draw(g, "path", { d: path([[X(l) - 42, 32], [X(l) - 14, 32]]), style: pen("ink", wide, size < 1e-6 ? "opacity: 0.25" : "") });
      }
    }
  }

  // b: the chapter's Figure 13, of this chain.
  function showWay() {
    const g = right.drawn;
    g.replaceChildren();
    const powers = [-4, 0.5];
    const { X, Y } = axes(right, {
      box: [50, 40, 322, 258], x: [-0.05, Math.log10(600) + 0.05], y: powers, title: "moved from the sweep", xlabel: "step of inference",
      xticks: [0, 1, 2], xnames: ["1", "10", "100"], yticks: [-4, -2, 0], ynames: bpcFigures.powersOfTen([-4, -2, 0]),
    });
    [4, 3, 2, 1].forEach((l, n) => {
      const [shade, dashes] = LOOKS[l];
      const points = [];
      for (let k = 1; k <= t(); k++) {
        const far = Math.log10(Math.max(moved(l, k), 1e-30));
        if (far >= powers[0] && far <= powers[1]) points.push([X(Math.log10(k)), Y(far)]);
      }
      if (points.length > 1) draw(g, "path", { d: path(points), style: pen(shade, 1.8, dashes && `stroke-dasharray: ${dashes}`) });
      if (points.length) {
        const [cx, cy] = points[points.length - 1];
        draw(g, "circle", { cx, cy, r: 4, style: ink(shade) });
      }
      text(g, 62 + n * 68, 33, `layer ${l}`, { name: shade, anchor: "start" });
    });
  }

  function show(spoken = true) {
    showChain();
    showWay();
    showSliders();
    button("go").textContent = run.running() ? "Pause" : "Run";
    bpcFigures.setOff(button("one"), state.place === AT.length - 1, "Back to the sweep goes to the first");
    const layers = [4, 3, 2, 1].map((l) => {
      const far = moved(l, t());
      return `layer ${l} ${far === 0 ? "not at all" : Number.isFinite(far) && far < 100 ? `by ${far < 0.001 ? "less than 0.001" : number(far, 3)}` : "without bound"}`;
    });
    const E = paths.reduce((sum, found) => sum + energy(found[t()]), 0) / paths.length;
    const ends = Number.isFinite(E) && E < 1e4 ? number(E) : "beyond 10,000: the step is too long";
    const restless = swings && Number.isFinite(E) && E < 1e4 && t() > 0 ? " It swings and does not settle: the step is too long." : "";
    say(`After step ${t()}: moved ${layers.join(", ")}. Energy ${ends}.${restless}`, !spoken || run.running());
  }

  const run = bpcFigures.runner(() => ++state.place < AT.length - 1, () => show(), say.foretell);
  const showSliders = bpcFigures.sliders(root, state, (name, done) => {
    run.stop();
    if (name !== "place") settle();
    show(done);
  });
  button("one").addEventListener("click", () => {
    run.stop();
    state.place = Math.min(state.place + 1, AT.length - 1);
    show();
  });
  button("go").addEventListener("click", () => {
    if (run.running()) {
      run.stop();
      return show();
    }
    if (state.place >= AT.length - 1) state.place = 0;
    run.start();
  });
  button("back").addEventListener("click", () => {
    run.stop();
    state.place = 0;
    show();
  });
  settle();
  show(false);
  return { state, moved, energy, paths: () => paths };
});
