import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// What the pages were built for is part of them: each build has its own, and so has the name of each asset that knows it.
export default defineConfig({
  plugins: [react()],
  define: { __BUILT_FOR__: JSON.stringify(process.env["RELEASE"] ?? "dev") },
  build: { assetsInlineLimit: 0 },
  server: { proxy: { "/version": "http://127.0.0.1:8080", "/jobs": "http://127.0.0.1:8080" } },
  test: { environment: "jsdom" },
});
