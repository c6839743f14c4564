// The switch between versions of a site that `python -m docs.versions` made.
document.addEventListener("DOMContentLoaded", async () => {
  const root = new URL(document.documentElement.dataset.content_root, location);
  const names = await (await fetch(new URL("../versions.json", root))).json();
  const own = root.pathname.split("/").at(-2);
  const label = document.createElement("label");
  label.className = "versions";
  label.textContent = "Version ";
  const choice = document.createElement("select");
  for (const name of names) choice.add(new Option(name, name, false, name == own));
  choice.onchange = async () => {
    // The same page, where that version has it.
    const page = location.pathname.slice(root.pathname.length);
    const there = new URL(`../${choice.value}/`, root);
    const same = new URL(page, there);
    const found = await fetch(same, { method: "HEAD" });
    location = found.ok ? same : there;
  };
  label.append(choice);
  document.querySelector(".sidebar-brand").after(label);
});
