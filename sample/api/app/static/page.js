// Follows the live colour: asks who answers now, and shows it without loading the page again.
async function follow() {
  try {
    const { release, color } = await (await fetch("/version", { cache: "no-store" })).json();
    document.body.className = color;
    document.getElementById("release").textContent = release;
    document.getElementById("color").textContent = color;
    document.title = `release ${release} on ${color}`;
  } catch {
    document.getElementById("color").textContent = "no answer";
  }
}
setInterval(follow, 1000);
