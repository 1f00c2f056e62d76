// Where the engine starts the pack by its folder, everything that is required is compiled with ts-node, which does not know
// this project's imports; what is imported is not.
module.exports = import("./serve.ts");
