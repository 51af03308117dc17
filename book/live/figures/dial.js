// Chapter 4: the dial from HPC's inference over BPC to discPC's, for networks that were trained at each of its places: the chapter's
// stored results, five seeds each, with the page.

bpcFigures.add("dial", (root) => {
  "use strict";
  const { axes, draw, FAINT, handle, ink, number, panel, path, pen, text } = bpcFigures;

  const { places, dial, models } = bpcFigures.data(root); // of each what was measured, as mean and standard deviation
  const state = { place: places.indexOf("0.003") };
  const input = root.querySelector("input");
  const name = (ratio) => (+ratio >= 1000 ? "10,000" : ratio) + (ratio === "0.003" ? ": BPC" : "");
  input.max = places.length - 1;
  input.dataset.names = places.map(name).join("|");

  const plane = panel(root, "a");
  const along = panel(root, "b");
  const say = bpcFigures.says(root);
  const LOOKS = { discPC: ["blue", 10, 5, "start"], HPC: ["red", -10, 5, "end"], BPC: ["green", -12, 16, "end"], control: ["purple", -9, -8, "end"], genPC: ["ochre", -10, 5, "end"] };
  const BOX = [44, 22, 334, 258];
  const RMSE = [0.23, 0.018]; // closer is further right
  const READS = [81, 99];
  const lg = Math.log10;
  const X = (rmse) => BOX[0] + ((lg(rmse) - lg(RMSE[0])) / (lg(RMSE[1]) - lg(RMSE[0]))) * (BOX[2] - BOX[0]);
  const Y = (reads) => BOX[3] - ((reads - READS[0]) / (READS[1] - READS[0])) * (BOX[3] - BOX[1]);
  const D = (place) => BOX[0] + 14 + (place / (places.length - 1)) * (BOX[2] - BOX[0] - 24);

  // A mean with its standard deviation, across and up.
  function cross(g, x, y, [dx, dy], shade, r) {
    draw(g, "path", { d: path([[X(x - dx), Y(y)], [X(x + dx), Y(y)]]), style: pen(shade, 1.5) });
    draw(g, "path", { d: path([[X(x), Y(y - dy)], [X(x), Y(y + dy)]]), style: pen(shade, 1.5) });
    draw(g, "circle", { cx: X(x), cy: Y(y), r, style: ink(shade) });
  }

  function showPlane(now) {
    const g = plane.drawn;
    g.replaceChildren();
    axes(plane, {
      box: BOX, x: [lg(RMSE[0]), lg(RMSE[1])], y: READS, xlabel: "draws: RMSE, better to the right", title: "reads: accuracy (%)",
      xticks: [0.2, 0.1, 0.05, 0.02].map(lg), xnames: ["0.2", "0.1", "0.05", "0.02"], yticks: [82, 86, 90, 94, 98],
    });
    const way = places.map((ratio) => [X(dial[ratio].draws[0]), Y(dial[ratio].reads[0])]);
    draw(g, "path", { d: path(way), style: pen("ink", 1.5, FAINT) });
    for (const [cx, cy] of way) draw(g, "circle", { cx, cy, r: 2.5, style: ink("ink") });
    for (const [model, [shade, dx, dy, anchor]] of Object.entries(LOOKS)) {
      const { draws, reads } = models[model];
      cross(g, draws[0], reads[0], [draws[1], reads[1]], shade, 5.5);
      text(g, X(draws[0]) + dx, Y(reads[0]) + dy, model, { name: shade, anchor });
    }
    grip.at(X(now.draws[0]), Y(now.reads[0]));
  }

  function showAlong() {
    const g = along.drawn;
    g.replaceChildren();
    const ticks = places.map((_, place) => place);
    axes(along, {
      box: BOX, x: [0, 1], y: [78, 99], xlabel: "dial: *α*_gen / *α*_disc", title: "accuracy (%)", xticks: [], yticks: [80, 85, 90, 95],
    });
    const height = (reads) => BOX[3] - ((reads - 78) / 21) * (BOX[3] - BOX[1]);
    for (const place of ticks) {
      draw(g, "path", { d: path([[D(place), BOX[3]], [D(place), BOX[3] + 3.5]]), style: pen("ink", 0.8) });
      if (place % 2 === 1 || place === 0) continue;
      text(g, D(place), BOX[3] + 17, places[place]);
    }
    text(g, D(0) - 8, BOX[3] + 17, "10⁴", { anchor: "start" });
    draw(g, "path", { d: path([[D(state.place), BOX[1]], [D(state.place), BOX[3]]]), style: pen("ink", 1.2, `stroke-dasharray: 4 3; ${FAINT}`) });
    for (const [what, shade, words, x, y] of [["reads", "blue", "whole images", 56, 90.4], ["80 % hidden", "red", "80 % hidden, settled", 56, 78.8]]) {
      const line = places.map((ratio, place) => [D(place), dial[ratio][what]]);
      draw(g, "path", { d: path(line.map(([x, [mean]]) => [x, height(mean)])), style: pen(shade) });
      line.forEach(([x, [mean, spread]], place) => {
        draw(g, "path", { d: path([[x, height(mean - spread)], [x, height(mean + spread)]]), style: pen(shade, 1.5) });
        draw(g, "circle", { cx: x, cy: height(mean), r: place === state.place ? 6 : 3, style: ink(shade) });
      });
      text(g, x, height(y), words, { name: shade, anchor: "start" });
    }
  }

  function show(spoken = true) {
    const ratio = places[state.place];
    const now = dial[ratio];
    showPlane(now);
    showAlong();
    showSliders();
    const found = ([mean, spread], digits) => `${number(mean, digits)} ± ${number(spread, digits)}`;
    const end =
      +ratio >= 1 ? " Here e moves nearly alone, as in HPC." : +ratio <= 0.0001 ? " Here d moves nearly alone, as in the control and in discPC." : "";
    say(
      `Trained with the dial at ${ratio === "10000" ? "10,000" : ratio}, its sweep reads ${found(now.reads, 1)} % of whole images; with 80 % hidden it reads ` +
        `${found(now["80 % hidden"], 1)} % once they have settled; its drawings are ${found(now.draws, 3)} from the class means (RMSE).${end}`,
      !spoken,
    );
  }

  // The ring on the line can be dragged: it goes to the nearest place of the dial.
  const grip = handle(plane, {
    moved(x, y) {
      const far = places.map((ratio) => Math.hypot(X(dial[ratio].draws[0]) - x, Y(dial[ratio].reads[0]) - y));
      state.place = far.indexOf(Math.min(...far));
      show(false);
    },
    let_go: () => show(),
  });
  draw(grip, "circle", { r: 9, style: pen("ink", 2.5) });
  const showSliders = bpcFigures.sliders(root, state, (_, done) => show(done));
  show(false);
  return { state, places, dial, models };
});
