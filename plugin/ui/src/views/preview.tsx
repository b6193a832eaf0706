import { React } from "../host";

export const Preview = () => <p>Preview</p>;
