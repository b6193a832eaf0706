import { React } from "../host";

export const Setup = () => <p>Setup</p>;
