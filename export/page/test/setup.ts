// Properties are tried with the same random cases each time: what fails, fails again, and no
// job fails for what is none of its business. FC_SEED has others: make torture's are new ones.
import fc from "fast-check";

const seed = process.env.FC_SEED ?? (process.env.PACKETHEAT_TORTURE === "1" ? Date.now() : 20261122);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) | 0 });
