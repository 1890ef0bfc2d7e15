// Draws the diagrams in the page's colours, and anew when a reader changes between light and dark.
(function () {
  const blocks = Array.from(document.querySelectorAll("pre.mermaid"));
  const sources = blocks.map((block) => block.textContent);
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

  function draw() {
    const chosen = document.body.dataset.theme;
    const dark = chosen === "dark" || (chosen !== "light" && prefersDark.matches);
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      flowchart: { useMaxWidth: false },
      theme: dark ? "dark" : "neutral",
      fontFamily: getComputedStyle(document.body).fontFamily,
    });
    blocks.forEach((block, index) => {
      block.removeAttribute("data-processed");
      block.textContent = sources[index];
    });
    mermaid.run({ nodes: blocks }).then(() => {
      // A page makes a diagram smaller only as far as it can be read; a wider one scrolls.
      for (const svg of document.querySelectorAll("pre.mermaid svg")) {
        svg.style.minWidth = `${(svg.viewBox.baseVal.width * 2) / 3}px`;
      }
    });
  }

  document.addEventListener("DOMContentLoaded", draw);
  prefersDark.addEventListener("change", draw);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
})();
