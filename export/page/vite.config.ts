import { defineConfig } from "vitest/config";
import { viteSingleFile } from "vite-plugin-singlefile";
import { apart, inTwo } from "./build/apart.ts";

// One file: script and style inline, nothing beside it. The folder is not
// emptied, for it holds the placeholder that go:embed needs.
export default defineConfig({
  plugins: [apart(), viteSingleFile({ removeViteModuleLoader: true }), inTwo()],
  build: { target: "es2022", emptyOutDir: false, reportCompressedSize: false, modulePreload: false },
  test: { setupFiles: "test/setup.ts", testTimeout: 120_000, hookTimeout: 120_000 }, // a machine that has others' work to do must not fail a test
});
