import { React } from "../host";

export const SceneView = ({ id }: { id: number }) => <p>{id}</p>;
